import { type PictureSize, sizeOf } from '@onestroke/core/picture'
import type { Dataset } from './dataset.js'
import { FLOAT_OF_BYTE } from './read-picture.js'

/** Pictures [count, channels, height, width] in [-1, 1]. */
export interface CutPictures extends PictureSize {
  readonly data: Float32Array
  readonly count: number
  readonly channels: number
}

/** The largest sides within a size that are multiples of `unit`. */
export const cutSize = ({ height, width }: PictureSize, unit: number): PictureSize => ({
  height: height - (height % unit),
  width: width - (width % unit),
})

/** Pictures of a dataset by their numbers, cut at the bottom and the right to sides that are multiples of `unit`. */
export const cutPictures = (
  { pixels, channels, height, width }: Pick<Dataset, 'pixels' | 'channels' | 'height' | 'width'>,
  rows: readonly number[],
  unit: number,
): CutPictures => {
  const shape = { channels, ...cutSize({ height, width }, unit) }
  const data = new Float32Array(rows.length * sizeOf(shape))
  let at = 0
  for (const row of rows)
    for (let c = 0; c < channels; c++)
      for (let y = 0; y < shape.height; y++) {
        const from = ((row * channels + c) * height + y) * width
        for (let x = 0; x < shape.width; x++) data[at++] = FLOAT_OF_BYTE[pixels[from + x]!]!
      }
  return { data, count: rows.length, ...shape }
}
