export { readBytes, systemError, systemReason, writeFileAtomic } from './atomic.js'
export {
  type Colour,
  type GridOptions,
  type Picture,
  type Pictures,
  pngGrid,
  pngOf,
  toBytes,
} from './images.js'
