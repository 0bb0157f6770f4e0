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
