export { readBytes, systemError, systemReason, writeFileAtomic } from './atomic.js'
export {
  type Colour,
  type Encoding,
  formatOf,
  type GridOptions,
  type ImageFormat,
  imageGrid,
  type Picture,
  type Pictures,
  pngGrid,
  pngOf,
} from './images.js'
export { isSamePath, isWithin, realPathOf } from './real-path.js'
