export {
  isSameSize,
  middleOf,
  type PictureShape,
  type PictureSize,
  pixelsOf,
  readSize,
  scaledBy,
  sizeOf,
  sizeOption,
  sizeText,
  square,
} from './shape.js'
export { type StoredSize, sized, storedSize } from './stored.js'
