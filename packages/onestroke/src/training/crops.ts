/** Batches of crops: what an autoencoder learns from. */
import { type AutoencoderConfig, latentShape } from '@onestroke/core/autoencoder'
import { type PictureShape, sizeOf, square } from '@onestroke/core/picture'
import { Random, STREAM } from '@onestroke/core/random'
import { type Augment, type Dataset, readCrop, Shuffle } from '../data/index.js'
import type { BatchSlice } from './batch.js'

/** Plain data: it travels to the worker that prepares the batches. */
export interface CropPlan {
  readonly kind: 'crops'
  readonly dataset: Pick<Dataset, 'pixels' | 'count' | 'channels' | 'height' | 'width'>
  readonly autoencoder: AutoencoderConfig
  /** Side of a crop in pixels, a multiple of the autoencoder's factor. */
  readonly side: number
  readonly seed: number
  readonly batch: number
  /** Crops in the whole training. */
  readonly images: number
  readonly augment: Pick<Augment, 'flip'>
  /** There are no noise levels. */
  readonly range?: undefined
}

/** By the names of the training step's inputs; B crops. */
export interface CropBatch {
  /** [B, channels, side, side] in [-1, 1]. */
  readonly x0: Float32Array<ArrayBuffer>
  /** Unit Gaussian of the latents' shape, which is added to them a little. */
  readonly noise: Float32Array<ArrayBuffer>
  readonly weight: Float32Array<ArrayBuffer>
  readonly total_weight: Float32Array<ArrayBuffer>
  /** There are no noise levels: 0. */
  readonly t: Float32Array<ArrayBuffer>
  readonly [input: string]: Float32Array<ArrayBuffer>
}

export class CropMaker {
  readonly #shuffle: Shuffle
  readonly #crop: PictureShape
  readonly #latents: number

  constructor(
    readonly plan: CropPlan,
    readonly slice: BatchSlice = { from: 0, to: plan.batch },
  ) {
    const { dataset, autoencoder, side, seed } = plan
    this.#shuffle = new Shuffle(dataset.count, seed)
    this.#crop = { channels: dataset.channels, height: side, width: side }
    this.#latents = sizeOf(latentShape(autoencoder, square(side)))
  }

  /** Batch number `step`, counted from 0. Writes over `reuse` if given. */
  async make(step: number, reuse?: CropBatch): Promise<CropBatch> {
    const { dataset, batch, seed, augment } = this.plan
    const { from, to } = this.slice
    const count = to - from
    const size = sizeOf(this.#crop)
    const out: CropBatch = reuse ?? {
      x0: new Float32Array(count * size),
      noise: new Float32Array(count * this.#latents),
      weight: new Float32Array(count),
      total_weight: new Float32Array(1),
      t: new Float32Array(count),
    }
    out.weight.fill(1)
    out.total_weight[0] = batch
    for (let k = 0; k < count; k++) {
      const i = from + k
      const random = (stream: number) => new Random({ seed, stream, step, index: i })
      const picture = this.#shuffle.at(step * batch + i)
      readCrop(dataset, picture, {
        crop: this.#crop,
        out: out.x0.subarray(k * size, (k + 1) * size),
        augment,
        random: random(STREAM.augment),
      })
      random(STREAM.noise).fillNormal(out.noise.subarray(k * this.#latents, (k + 1) * this.#latents))
    }
    return out
  }
}
