/** A space in which pictures are compared: what every judge is made of. */
import type { PictureShape } from '@onestroke/core/picture'
import type { Dataset } from '../data/index.js'
import {
  type Features,
  frechetDistance,
  type Gaussian,
  gaussianOf,
  kernelDistance,
} from '../metrics/index.js'
import type { FeatureExtractor } from './features.js'
import { judgedBy, picturesOf } from './real-pictures.js'
import type { JudgeInfo } from './types.js'

export interface FeatureSpace {
  readonly info: JudgeInfo
  /**
   * Whether features are taken as they are for the kernel distance, as is the custom with a well-known network. Others
   * are scaled by one number, so that the mean square of the real ones is 1: the kernel (x·y / dims + 1)³ has a scale.
   */
  readonly customary: boolean
  /** pictures [count, C, H, W] in [-1, 1], clipped and rounded to the 256 values of a saved picture first. */
  features(pictures: Float32Array, count: number): Promise<Features>
  /** Features of some pictures of a dataset, where the space keeps them. */
  ofDataset?(dataset: Dataset, rows: readonly number[]): Promise<Features>
}

/** The features of an ONNX model, for pictures of the dataset's shape. */
export const networkSpace = (
  extractor: FeatureExtractor,
  { channels, height, width }: PictureShape,
  info: Pick<JudgeInfo, 'name' | 'about' | 'took_part'>,
  customary: boolean,
): FeatureSpace => ({
  info: {
    name: info.name,
    sha256: extractor.sha256,
    dims: extractor.dims,
    about: info.about,
    took_part: info.took_part,
  },
  customary,
  features: (pictures, count) => extractor.extract(pictures, count, { channels, height, width }),
  ofDataset: (dataset, rows) => extractor.ofDataset(dataset, rows),
})

/** Features of some pictures of a dataset; by default of those that models are judged by. */
export const featuresOfDataset = (
  space: Pick<FeatureSpace, 'features' | 'ofDataset'>,
  dataset: Dataset,
  rows = judgedBy(dataset),
): Promise<Features> =>
  space.ofDataset?.(dataset, rows) ?? space.features(picturesOf(dataset, rows), rows.length)

/** Real pictures in a space, and distances to them. */
export class Reference {
  readonly #gaussian: Gaussian
  readonly #scale: number
  readonly #scaled: Features

  constructor(
    readonly space: FeatureSpace,
    readonly real: Features,
  ) {
    this.#gaussian = gaussianOf(real)
    const square = real.data.reduce((sum, value) => sum + value * value, 0) / real.data.length
    this.#scale = space.customary || square === 0 ? 1 : 1 / Math.sqrt(square)
    this.#scaled = scaled(real, this.#scale)
  }

  static async of(space: FeatureSpace, dataset: Dataset, rows = judgedBy(dataset)): Promise<Reference> {
    return new Reference(space, await featuresOfDataset(space, dataset, rows))
  }

  fid(features: Features): number {
    return frechetDistance(this.#gaussian, gaussianOf(features))
  }

  kid(features: Features): number {
    return kernelDistance(this.#scaled, scaled(features, this.#scale))
  }
}

const scaled = (features: Features, scale: number): Features =>
  scale === 1
    ? features
    : { data: features.data.map((value) => value * scale), count: features.count, dims: features.dims }
