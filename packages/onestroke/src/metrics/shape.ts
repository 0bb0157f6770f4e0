/** What pictures [count, channels, height, width] look like in memory. */
export interface PictureShape {
  readonly channels: number
  readonly height: number
  readonly width: number
}

/** @throws RangeError if there are no pictures, or parts of one. */
export const countOf = (pictures: Float32Array, { channels, height, width }: PictureShape): number => {
  const count = pictures.length / (channels * height * width)
  if (!Number.isInteger(count) || count < 1)
    throw new RangeError(`${pictures.length} values are not pictures of ${channels}×${height}×${width}`)
  return count
}
