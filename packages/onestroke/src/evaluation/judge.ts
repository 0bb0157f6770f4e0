/** What a judge needs: the prompts to paint, and the features of the data. */
import { UserError } from '@onestroke/core/errors'
import { isSameSize, sizeOf, sizeOption, sizeText } from '@onestroke/core/picture'
import { type GenerateOptions, shapeOf } from '@onestroke/core/pipeline'
import type { Dataset } from '../data/index.js'
import { type Features, nearestReal, precisionRecall, promptRetrieval } from '../metrics/index.js'
import type { LoadedModel, Model } from '../model/index.js'
import { type FeatureSpace, featuresOfDataset, Reference } from './feature-space.js'
import { FeatureExtractor } from './features.js'
import { ownSpace } from './judges.js'
import { judgedBy } from './real-pictures.js'
import type { Measures } from './types.js'

/** Pictures that are painted at once, for every model and setting: speeds are compared at equal batch. */
export const BATCH = 64

/** Pictures [count, C, H, W], and how long each took. */
export interface Painted {
  readonly pictures: Float32Array
  readonly seconds_per_image: number
}

export interface JudgeOptions {
  /** Pictures that are painted for each number. */
  readonly samples: number
  /** Seed of the noise, if `paint` is not told another. */
  readonly seed: number
  /** What pictures are compared with, if not with the dataset. */
  readonly reference?: Dataset
  /**
   * The pictures of the dataset that prompts are taken from, and that are compared with, or as many of the reference. By
   * default all, or 20,000 that are spread evenly over it.
   */
  readonly rows?: readonly number[]
}

export class Judge {
  readonly prompts: readonly string[]
  /** For each sample the place, in `rows`, of a training picture that its prompt names. */
  readonly expected: readonly number[]
  /** For each of `rows` a number: pictures with one name have one number. */
  readonly groups: Uint32Array
  #trained: Promise<Features> | undefined
  /** Models that have been compiled by painting. */
  readonly #warm = new WeakSet<Model>()

  private constructor(
    readonly space: FeatureSpace,
    readonly reference: Reference,
    readonly dataset: Dataset,
    /** The training pictures that prompts are taken from. */
    readonly rows: readonly number[],
    readonly samples: number,
    readonly seed: number,
    trained: Features | undefined,
  ) {
    // Every picture's prompt equally often, spread over the dataset when there are fewer samples than pictures.
    const { names, labels, classes } = dataset
    const count = rows.length
    const stride = samples < count ? count / samples : 1
    this.expected = Array.from({ length: samples }, (_, i) => Math.floor(i * stride) % count)
    this.prompts = this.expected.map((i) => names?.[rows[i]!] ?? classes?.[labels![rows[i]!]!] ?? '')
    const groups = new Map<string, number>()
    this.groups = Uint32Array.from(rows, (row) => {
      const name = names?.[row] ?? ''
      if (!groups.has(name)) groups.set(name, groups.size)
      return groups.get(name)!
    })
    this.#trained = trained && Promise.resolve(trained)
  }

  /** A judge of pictures for a dataset's prompts, by a feature network or another space of features. */
  static async of(
    features: FeatureExtractor | FeatureSpace,
    dataset: Dataset,
    { samples, seed, reference = dataset, rows = judgedBy(dataset) }: JudgeOptions,
  ): Promise<Judge> {
    const space = features instanceof FeatureExtractor ? ownSpace(features, dataset) : features
    const compared = await Reference.of(space, reference, comparedRows(dataset, reference, rows))
    const trained = reference === dataset ? compared.real : undefined
    return new Judge(space, compared, dataset, rows, samples, seed, trained)
  }

  /** Paints `count` of the prompts, from the first on, from the noises of `seed`; `timed` is false where no one asks how long. */
  async paint(
    model: Model,
    options: Omit<GenerateOptions, 'prompts' | 'seed' | 'seeds' | 'noise'>,
    {
      count = this.samples,
      seed = this.seed,
      timed = true,
      onPainted,
    }: { count?: number; seed?: number; timed?: boolean; onPainted?(done: number): void } = {},
  ): Promise<Painted> {
    const pictures = new Float32Array(count * model.pictureSize)
    const times: number[] = []
    // A model's first batch compiles: where there is no other to be timed, it is painted beforehand.
    if (timed && count <= BATCH && !this.#warm.has(model))
      await model.generate({ ...options, prompts: this.batch(0) })
    this.#warm.add(model)
    for (let first = 0; first < count; first += BATCH) {
      const prompts = this.batch(first)
      const start = performance.now()
      // Numbers the noises of one seed. Batches of successive seeds would share most of their noises.
      const noise = (step: number) => model.noise(seed, first, BATCH, step)
      const { data } = await model.generate({ ...options, prompts, noise })
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
    return this.reference.fid(await this.#features(pictures))
  }

  /** What this judge says of pictures, one for each prompt. */
  async measure(
    pictures: Float32Array,
  ): Promise<
    Record<'fid' | 'kid' | 'precision' | 'recall', number> & Pick<Measures, 'prompt_top1' | 'prompt_top5'>
  > {
    const features = await this.#features(pictures)
    const { precision, recall } = precisionRecall(this.reference.real, features)
    const retrieval =
      this.dataset.names && promptRetrieval(await this.#training(), features, this.expected, this.groups)
    return {
      fid: this.reference.fid(features),
      kid: this.reference.kid(features),
      precision,
      recall,
      prompt_top1: retrieval?.top1 ?? null,
      prompt_top5: retrieval?.top5 ?? null,
    }
  }

  /** Index of the training picture that is nearest to each of the pictures. */
  async nearest(pictures: Float32Array): Promise<Uint32Array> {
    const nearest = nearestReal(await this.#training(), await this.#features(pictures))
    return nearest.map((row) => this.rows[row]!)
  }

  /** Features of the training pictures. */
  #training(): Promise<Features> {
    this.#trained ??= featuresOfDataset(this.space, this.dataset, this.rows)
    return this.#trained
  }

  #features(pictures: Float32Array): Promise<Features> {
    return this.space.features(pictures, pictures.length / sizeOf(this.dataset))
  }
}

/** The pictures of the reference that stand for it, where these rows stand for the dataset. */
export const comparedRows = (
  dataset: Dataset,
  reference: Dataset,
  rows: readonly number[],
): readonly number[] => (reference === dataset ? rows : judgedBy(reference, rows.length))

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!

/** @throws UserError if the model's pictures and the dataset's differ in size or channels. */
export const checkFit = ({ config, path }: Pick<LoadedModel, 'config' | 'path'>, dataset: Dataset): void => {
  const shape = shapeOf(config)
  if (!isSameSize(shape, dataset) || shape.channels !== dataset.channels)
    throw new UserError(
      `${path} paints ${sizeText(shape)} with ${shape.channels} channels, but ${dataset.name} has ${sizeText(dataset)} with ${dataset.channels}`,
      { remedy: `\`resolution\` ${sizeOption(shape)}`, option: 'resolution' },
    )
}
