import type { Random } from '@onestroke/core/random'
import type { Dataset } from './dataset.js'

/** Augmentation: small random changes that keep what a picture shows. */
export interface Augment {
  /** Mirror every second picture, left to right. */
  flip?: boolean
  /** Shift by up to so many pixels in both directions; edges are filled by repeating the border. */
  translate?: number
}

/** Values of bytes in [-1, 1]. */
export const FLOAT_OF_BYTE = Float32Array.from({ length: 256 }, (_, byte) => byte / 127.5 - 1)

/** One such change. */
export interface Change {
  readonly mirrored: boolean
  /** Pixels by which the picture moves. */
  readonly right: number
  readonly down: number
}

/** A change that augmentation may make, drawn at random. */
export const drawChange = ({ flip = false, translate = 0 }: Augment, random: Random): Change => {
  const mirrored = flip && random.uniform() < 0.5
  const shift = () => (translate > 0 ? random.integer(2 * translate + 1) - translate : 0)
  return { mirrored, right: shift(), down: shift() }
}

/** No change. */
export const UNCHANGED: Change = { mirrored: false, right: 0, down: 0 }

/**
 * Writes one picture as planar floats in [-1, 1], [channels, height, width], to `out` from `offset`.
 *
 *     readPicture(dataset, shuffle.at(n), batch, i * size, drawChange({ flip: true }, new Random(key)))
 *
 * @throws RangeError if there is no such picture.
 */
export function readPicture(
  dataset: Pick<Dataset, 'pixels' | 'count' | 'channels' | 'height' | 'width'>,
  index: number,
  out: Float32Array,
  offset: number,
  { mirrored, right, down }: Change = UNCHANGED,
): void {
  const { pixels, count, channels, height, width } = dataset
  if (!(index >= 0 && index < count)) throw new RangeError(`picture ${index} of ${count}`)
  const start = index * channels * height * width
  if (!mirrored && right === 0 && down === 0) {
    const size = channels * height * width
    for (let i = 0; i < size; i++) out[offset + i] = FLOAT_OF_BYTE[pixels[start + i]!]!
    return
  }
  const columns = Int32Array.from({ length: width }, (_, x) => {
    const from = clamp(x - right, width)
    return mirrored ? width - 1 - from : from
  })
  let at = offset
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const row = start + (c * height + clamp(y - down, height)) * width
      for (let x = 0; x < width; x++) out[at++] = FLOAT_OF_BYTE[pixels[row + columns[x]!]!]!
    }
  }
}

const clamp = (at: number, size: number): number => Math.min(Math.max(at, 0), size - 1)
