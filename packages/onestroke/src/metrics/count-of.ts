import { type PictureShape, sizeOf } from '@onestroke/core/picture'

/** How many pictures [count, channels, height, width] are. @throws RangeError if there are none, or parts of one. */
export const countOf = (pictures: Float32Array, shape: PictureShape): number => {
  const count = pictures.length / sizeOf(shape)
  if (!Number.isInteger(count) || count < 1) {
    const { channels, height, width } = shape
    throw new RangeError(`${pictures.length} values are not pictures of ${channels}×${height}×${width}`)
  }
  return count
}
