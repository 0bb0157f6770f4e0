export { readBytes, systemError, systemReason, writeFileAtomic } from './atomic.js'
export {
  type Encoding,
  formatOf,
  type ImageFormat,
  imageGrid,
  type Picture,
  pngGrid,
  pngOf,
} from './images.js'
export { isSamePath, isWithin, realPathOf } from './real-path.js'
