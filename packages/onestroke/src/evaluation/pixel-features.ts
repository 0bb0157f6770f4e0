/** The judge `pixels`: principal components of real pictures, without a network and without training. */
import { pixelsOf } from '@onestroke/core/picture'
import type { Dataset } from '../data/index.js'
import { principalComponents, projected } from '../metrics/index.js'
import { sha256Of } from '../model/index.js'
import type { FeatureSpace } from './feature-space.js'
import { judgedBy, savedPictures, viewsOf } from './real-pictures.js'
import { viewed, viewOf } from './view.js'

/** Principal components that are kept, of pixels and of random features, and pictures that they are fitted to at most. */
export const COMPONENTS = 64
export const FITTED = 1024

/**
 * The space of the first 64 principal components of a dataset's pixels, fewer where it has fewer pictures or pixels,
 * fitted to 1024 pictures at most; large pictures are seen smaller, see `viewOf`. It sees whether colours and coarse shapes are right, and is blind to fine detail.
 */
export const pixelSpace = (dataset: Dataset, most = FITTED): FeatureSpace => {
  const rows = judgedBy(dataset, Math.min(most, FITTED))
  const dims = dataset.channels * pixelsOf(viewOf(dataset))
  const components = principalComponents(
    { data: viewsOf(dataset, rows), count: rows.length, dims },
    COMPONENTS,
  )
  return {
    info: {
      name: 'pixels',
      sha256: sha256Of(new Uint8Array(components.axes.buffer)),
      dims: components.to,
      about: `the first ${components.to} principal components of the real pixels: colours and coarse shapes.`,
      took_part: false,
    },
    customary: false,
    features: async (pictures, count) =>
      projected(components, { data: viewed(savedPictures(pictures), dataset), count, dims }),
  }
}
