/**
 * What a training step is fed with, as a pure function of the step: pictures, noise, noise levels, conditions. Nothing
 * here remembers anything, so a run can stop anywhere and go on bit for bit.
 */
import type { NoiseRange, Objective } from '@onestroke/core/diffusion'
import { Random, STREAM } from '@onestroke/core/random'
import { type Bag, Tokenizer, type Vocabulary } from '@onestroke/core/text'
import { type Augment, type Dataset, readPicture, Shuffle } from '../data/index.js'
import { objectiveNamed } from './objectives.js'

/** Plain data: it travels to the worker that prepares the batches. */
export interface BatchPlan {
  readonly dataset: Pick<
    Dataset,
    'pixels' | 'count' | 'channels' | 'height' | 'width' | 'names' | 'styles' | 'classes' | 'labels'
  >
  readonly vocabulary: Vocabulary
  readonly seed: number
  readonly batch: number
  /** Pictures in the whole training. */
  readonly images: number
  readonly range: NoiseRange
  readonly objective: string
  readonly options: object
  readonly augment: Augment
  /** Share of the pictures whose condition is dropped, for classifier-free guidance. */
  readonly condition_dropout: number
  /** Share of the words that are left out of a caption, and of those that are read by their trigrams alone. */
  readonly word_dropout: number
}

export interface Batch {
  readonly x0: Float32Array<ArrayBuffer>
  readonly noise: Float32Array<ArrayBuffer>
  readonly t: Float32Array<ArrayBuffer>
  readonly r: Float32Array<ArrayBuffer>
  /** [B, tokens, entries]; empty for models without condition. */
  readonly condition: Float32Array<ArrayBuffer>
}

export class BatchMaker {
  readonly #objective: Objective
  readonly #tokenizer: Tokenizer
  readonly #shuffle: Shuffle

  constructor(readonly plan: BatchPlan) {
    this.#objective = objectiveNamed(plan.objective)
    this.#tokenizer = new Tokenizer(plan.vocabulary)
    this.#shuffle = new Shuffle(plan.dataset.count, plan.seed)
  }

  /** Batch number `step`, counted from 0. Writes over `reuse` if given. */
  make(step: number, reuse?: Batch): Batch {
    const { plan } = this
    const { dataset, batch, seed, range } = plan
    const size = dataset.channels * dataset.height * dataset.width
    const out = reuse ?? {
      x0: new Float32Array(batch * size),
      noise: new Float32Array(batch * size),
      t: new Float32Array(batch),
      r: new Float32Array(batch),
      condition: new Float32Array(batch * this.#tokenizer.tokens * this.#tokenizer.entries),
    }
    const context = { range, progress: Math.min((step * batch) / plan.images, 1 - 1e-9) }
    const random = (stream: number, index: number) => new Random({ seed, stream, step, index })
    const bags: (readonly Bag[])[] = []
    for (let i = 0; i < batch; i++) {
      const picture = this.#shuffle.at(step * batch + i)
      readPicture(dataset as Dataset, picture, out.x0, i * size, plan.augment, random(STREAM.augment, i))
      random(STREAM.noise, i).fillNormal(out.noise.subarray(i * size, (i + 1) * size))
      const { t, r } = this.#objective.times(random(STREAM.time, i), context, plan.options)
      out.t[i] = t
      out.r[i] = r
      bags.push(this.#condition(picture, random(STREAM.condition, i)))
    }
    if (out.condition.length > 0) this.#tokenizer.toDense(bags, out.condition)
    return out
  }

  #condition(picture: number, random: Random): readonly Bag[] {
    const { vocabulary, condition_dropout, word_dropout, dataset } = this.plan
    if (random.uniform() < condition_dropout) return this.#tokenizer.nothing
    if (vocabulary.kind === 'class')
      return this.#tokenizer.encode(dataset.classes![dataset.labels![picture]!]!)
    if (vocabulary.kind === 'none') return this.#tokenizer.nothing
    const style = dataset.styles?.[picture]
    const words = dataset.names![picture]!.split(' ')
    // A prompt may name a style or leave it open: both are learned, equally often.
    if (style !== undefined && random.uniform() < 0.5) words.push(style)
    const kept = words.filter(() => random.uniform() >= word_dropout)
    return this.#tokenizer.encode(
      (kept.length > 0 ? kept : words).join(' '),
      () => random.uniform() >= word_dropout,
    )
  }
}
