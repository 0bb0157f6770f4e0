import type { PictureShape } from '@onestroke/core/picture'
import type { Random } from '@onestroke/core/random'
import type { Dataset } from './dataset.js'
import { type Augment, FLOAT_OF_BYTE } from './read-picture.js'

/** Places that are tried for a crop that shows something. */
const TRIES = 4

export interface CropOptions {
  /** What the crop looks like in memory. */
  readonly crop: PictureShape
  /** [channels, height, width], which is written. */
  readonly out: Float32Array
  readonly augment: Pick<Augment, 'flip'>
  readonly random: Random
}

/**
 * Writes a random part of a picture as planar floats in [-1, 1]. Of up to four places it takes the first one that is not all of
 * one colour: backgrounds teach little. Equal `random` keys give equal crops.
 *
 * @throws RangeError if there is no such picture, or if the crop is larger than it.
 */
export const readCrop = (
  {
    pixels,
    count,
    channels,
    height,
    width,
  }: Pick<Dataset, 'pixels' | 'count' | 'channels' | 'height' | 'width'>,
  index: number,
  { crop, out, augment, random }: CropOptions,
): void => {
  if (!(index >= 0 && index < count)) throw new RangeError(`picture ${index} of ${count}`)
  if (crop.height > height || crop.width > width)
    throw new RangeError(`a crop of ${crop.height}×${crop.width} of a picture of ${height}×${width}`)
  const mirrored = augment.flip === true && random.uniform() < 0.5
  for (let tried = 1; ; tried++) {
    const top = random.integer(height - crop.height + 1)
    const left = random.integer(width - crop.width + 1)
    let [least, most] = [255, 0]
    let at = 0
    for (let c = 0; c < channels; c++) {
      for (let y = 0; y < crop.height; y++) {
        const row = ((index * channels + c) * height + top + y) * width + left
        for (let x = 0; x < crop.width; x++) {
          const value = pixels[row + (mirrored ? crop.width - 1 - x : x)]!
          out[at++] = FLOAT_OF_BYTE[value]!
          least = Math.min(least, value)
          most = Math.max(most, value)
        }
      }
    }
    if (most > least || tried === TRIES) return
  }
}
