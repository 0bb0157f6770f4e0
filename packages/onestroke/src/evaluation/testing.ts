/** Datasets and spaces of features for the tests of this folder. */
import { type PictureSize, square } from '@onestroke/core/picture'
import { Random } from '@onestroke/core/random'
import { type Dataset, sealed } from '../data/index.js'
import type { Features } from '../metrics/index.js'
import type { FeatureSpace } from './feature-space.js'

/** Pictures of independent random pixels. */
export const noisePictures = (
  count: number,
  size: number | PictureSize,
  { channels = 3, index = 0, ...more }: { index?: number } & Partial<Omit<Dataset, 'sha256'>> = {},
): Dataset => {
  const random = new Random({ seed: 5, stream: 0, step: 0, index })
  const { height, width } = typeof size === 'number' ? square(size) : size
  const pixels = Uint8Array.from({ length: count * channels * height * width }, () => random.integer(256))
  return sealed({
    name: 'noise',
    count,
    channels,
    height,
    width,
    pixels,
    skipped: [],
    ...more,
  })
}

/** The space of pixels themselves. */
export const plainSpace = (dims: number): FeatureSpace => ({
  info: { name: 'plain', sha256: '', dims, about: 'Pixels.', took_part: false },
  customary: true,
  features: async (pictures, count): Promise<Features> => ({ data: pictures.slice(), count, dims }),
})
