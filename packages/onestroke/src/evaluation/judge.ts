/** What pictures are judged by: the data's features, and the prompts that are to be painted. */
import { UserError } from '@onestroke/core/formats'
import type { GenerateOptions } from '@onestroke/core/pipeline'
import type { Dataset } from '../data/index.js'
import {
  type Features,
  frechetDistance,
  gaussianOf,
  kernelDistance,
  nearestReal,
  precisionRecall,
  promptRetrieval,
} from '../metrics/index.js'
import type { LoadedModel, Model } from '../model/index.js'
import type { EvaluationRow } from '../report/index.js'
import { type FeatureExtractor, featuresOfDataset, judgedBy } from './features.js'

/** Pictures that are painted at once, for every model and setting: speeds are compared at equal batch. */
export const BATCH = 64

/** Pictures [count, C, H, W], and how long each took. */
export interface Painted {
  readonly pictures: Float32Array
  readonly seconds_per_image: number
}

export class Judge {
  readonly prompts: readonly string[]
  readonly #expected: readonly number[]
  /** Pictures with one name have one number. */
  readonly #groups: Uint32Array
  readonly #gaussian

  private constructor(
    readonly extractor: FeatureExtractor,
    readonly real: Features,
    /** The pictures that `real` is of. */
    readonly rows: readonly number[],
    readonly dataset: Dataset,
    /** Pictures that are painted for each number. */
    readonly samples: number,
    readonly seed: number,
  ) {
    // Every picture's prompt equally often, spread over the dataset when there are fewer samples than pictures.
    const { names, labels, classes } = dataset
    const count = rows.length
    const stride = samples < count ? count / samples : 1
    this.#expected = Array.from({ length: samples }, (_, i) => Math.floor(i * stride) % count)
    this.prompts = this.#expected.map((i) => names?.[rows[i]!] ?? classes?.[labels![rows[i]!]!] ?? '')
    const groups = new Map<string, number>()
    this.#groups = Uint32Array.from(rows, (row) => {
      const name = names?.[row] ?? ''
      if (!groups.has(name)) groups.set(name, groups.size)
      return groups.get(name)!
    })
    this.#gaussian = gaussianOf(real)
  }

  static async of(
    extractor: FeatureExtractor,
    dataset: Dataset,
    { samples, seed }: { samples: number; seed: number },
  ): Promise<Judge> {
    const rows = judgedBy(dataset)
    return new Judge(
      extractor,
      await featuresOfDataset(extractor, dataset, rows),
      rows,
      dataset,
      samples,
      seed,
    )
  }

  /** Paints `count` of the prompts, from the first on. */
  async paint(
    model: Model,
    options: Omit<GenerateOptions, 'prompts' | 'seed' | 'first'>,
    { count = this.samples, onPainted }: { count?: number; onPainted?(done: number): void } = {},
  ): Promise<Painted> {
    const pictures = new Float32Array(count * model.pictureSize)
    const times: number[] = []
    // The first batch compiles: where there is no other, it is painted beforehand.
    if (count <= BATCH) await model.generate({ ...options, prompts: this.batch(0), seed: this.seed })
    for (let first = 0; first < count; first += BATCH) {
      const prompts = this.batch(first)
      const start = performance.now()
      const { data } = await model.generate({ ...options, prompts, first, seed: this.seed })
      times.push((performance.now() - start) / 1000 / BATCH)
      const here = Math.min(BATCH, count - first)
      pictures.set(data.subarray(0, here * model.pictureSize), first * model.pictureSize)
      onPainted?.(first + here)
      await new Promise(setImmediate)
    }
    return { pictures, seconds_per_image: median(times.length > 1 ? times.slice(1) : times) }
  }

  /** The prompts of one batch, always BATCH of them: the last is filled up, so that one compiled program serves all. */
  batch(first: number): string[] {
    return Array.from({ length: BATCH }, (_, i) => this.prompts[(first + i) % this.samples]!)
  }

  /** Fréchet distance of pictures [count, C, H, W] to the data. */
  async fid(pictures: Float32Array): Promise<number> {
    return frechetDistance(this.#gaussian, gaussianOf(await this.#features(pictures)))
  }

  /** All that a row of the evaluation says of pictures, one for each prompt. */
  async measure(
    pictures: Float32Array,
  ): Promise<Pick<EvaluationRow, 'fid' | 'kid' | 'precision' | 'recall' | 'prompt_top1' | 'prompt_top5'>> {
    const features = await this.#features(pictures)
    const retrieval = this.dataset.names && promptRetrieval(this.real, features, this.#expected, this.#groups)
    return {
      fid: frechetDistance(this.#gaussian, gaussianOf(features)),
      kid: kernelDistance(this.real, features),
      ...precisionRecall(this.real, features),
      prompt_top1: retrieval?.top1 ?? null,
      prompt_top5: retrieval?.top5 ?? null,
    }
  }

  /** Index of the training picture that is nearest to each of the pictures. */
  async nearest(pictures: Float32Array): Promise<Uint32Array> {
    const nearest = nearestReal(this.real, await this.#features(pictures))
    return nearest.map((row) => this.rows[row]!)
  }

  #features(pictures: Float32Array): Promise<Features> {
    const { channels, height, width } = this.dataset
    return this.extractor.extract(pictures, pictures.length / (channels * height * width), channels, height)
  }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!

/** @throws UserError if the model's pictures and the dataset's differ in size or channels. */
export const checkFit = ({ config, path }: Pick<LoadedModel, 'config' | 'path'>, dataset: Dataset): void => {
  const { resolution, channels } = config.network
  if (resolution !== dataset.height || channels !== dataset.channels)
    throw new UserError(
      `${path} paints ${resolution}×${resolution} with ${channels} channels, but ${dataset.name} has ${dataset.height}×${dataset.width} with ${dataset.channels}`,
      { remedy: `--resolution ${resolution}`, exitCode: 2 },
    )
}
