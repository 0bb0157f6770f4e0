export {
  isSameSize,
  middleOf,
  type PictureShape,
  type PictureSize,
  pixelsOf,
  readSize,
  sizeOf,
  sizeOption,
  sizeText,
  square,
} from './shape.js'
export { type StoredSize, sized, storedSize } from './stored.js'
