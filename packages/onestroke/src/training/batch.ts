/**
 * What a training step is fed with, as a pure function of the step: pictures, noise, noise levels, conditions. Nothing
 * here remembers anything, so a run can stop anywhere and go on bit for bit.
 */
import type { NoiseRange, Objective } from '@onestroke/core/diffusion'
import { sizeOf } from '@onestroke/core/picture'
import { Random, STREAM } from '@onestroke/core/random'
import { type Bag, Tokenizer, type Vocabulary } from '@onestroke/core/text'
import { type Augment, type Dataset, readPicture, Shuffle } from '../data/index.js'
import { objectiveNamed } from './objectives.js'
import type { GuidanceScale } from './step.js'

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
  /** Guidance scale of every picture, or the range from which each picture's is drawn, evenly. */
  readonly guidance_scale: GuidanceScale
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
  readonly s: Float32Array<ArrayBuffer>
  readonly guidance_scale: Float32Array<ArrayBuffer>
  /** How much each picture counts: 1. */
  readonly weight: Float32Array<ArrayBuffer>
  /** [1], in [0, 1). */
  readonly progress: Float32Array<ArrayBuffer>
  /** [B, tokens, entries]; empty for models without condition. */
  readonly condition: Float32Array<ArrayBuffer>
  /** What guidance leads away from: nothing, or, where the scale is drawn, now and then another picture's condition. */
  readonly negative: Float32Array<ArrayBuffer>
  /** Where the student begins to paint, and the noise for what it painted; empty where that is not judged. */
  readonly start: Float32Array<ArrayBuffer>
  readonly renoise: Float32Array<ArrayBuffer>
}

const guidanceScale = (given: GuidanceScale, random: Random): number =>
  typeof given === 'number' ? given : given[0] + (given[1] - given[0]) * random.uniform()

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
    const size = sizeOf(dataset)
    const judged = this.#objective.judges_pictures === true
    const out = reuse ?? {
      x0: new Float32Array(batch * size),
      noise: new Float32Array(batch * size),
      t: new Float32Array(batch),
      r: new Float32Array(batch),
      s: new Float32Array(batch),
      guidance_scale: new Float32Array(batch),
      weight: new Float32Array(batch),
      progress: new Float32Array(1),
      condition: new Float32Array(batch * this.#tokenizer.tokens * this.#tokenizer.entries),
      negative: new Float32Array(batch * this.#tokenizer.tokens * this.#tokenizer.entries),
      start: new Float32Array(judged ? batch : 0),
      renoise: new Float32Array(judged ? batch * size : 0),
    }
    const context = { range, progress: Math.min((step * batch) / plan.images, 1 - 1e-9) }
    out.weight.fill(1)
    out.progress[0] = context.progress
    const random = (stream: number, index: number) => new Random({ seed, stream, step, index })
    const bags: (readonly Bag[])[] = []
    const away: (readonly Bag[])[] = []
    for (let i = 0; i < batch; i++) {
      const picture = this.#shuffle.at(step * batch + i)
      readPicture(dataset as Dataset, picture, out.x0, i * size, plan.augment, random(STREAM.augment, i))
      random(STREAM.noise, i).fillNormal(out.noise.subarray(i * size, (i + 1) * size))
      const {
        t,
        r,
        s = range.sigma_min,
        start,
      } = this.#objective.times(random(STREAM.time, i), context, plan.options)
      out.t[i] = t
      out.r[i] = r
      out.s[i] = s
      if (judged) {
        out.start[i] = start!
        random(STREAM.renoise, i).fillNormal(out.renoise.subarray(i * size, (i + 1) * size))
      }
      const guidance = random(STREAM.guidance, i)
      out.guidance_scale[i] = guidanceScale(plan.guidance_scale, guidance)
      away.push(this.#negative(guidance))
      bags.push(this.#condition(picture, random(STREAM.condition, i)))
    }
    if (out.condition.length > 0) {
      this.#tokenizer.toDense(bags, out.condition)
      this.#tokenizer.toDense(away, out.negative)
    }
    return out
  }

  /** Nothing, half of the time; else what another picture is called or, as people say what they do not want, one word of it. */
  #negative(random: Random): readonly Bag[] {
    const { guidance_scale, dataset, vocabulary } = this.plan
    if (typeof guidance_scale === 'number' || random.uniform() < 0.5) return this.#tokenizer.nothing
    const picture = random.integer(dataset.count)
    if (vocabulary.kind !== 'text' || random.uniform() < 0.5) return this.#condition(picture, random)
    const words = this.#words(picture, random)
    return this.#tokenizer.encode(words[random.integer(words.length)]!)
  }

  /** A picture's caption. It may name a style or leave it open: both are learned, equally often. */
  #words(picture: number, random: Random): string[] {
    const { names, styles } = this.plan.dataset
    const words = names![picture]!.split(' ')
    const style = styles?.[picture]
    if (style !== undefined && random.uniform() < 0.5) words.push(style)
    return words
  }

  #condition(picture: number, random: Random): readonly Bag[] {
    const { vocabulary, condition_dropout, word_dropout, dataset } = this.plan
    if (random.uniform() < condition_dropout) return this.#tokenizer.nothing
    if (vocabulary.kind === 'class')
      return this.#tokenizer.encode(dataset.classes![dataset.labels![picture]!]!)
    if (vocabulary.kind === 'none') return this.#tokenizer.nothing
    const words = this.#words(picture, random)
    const kept = words.filter(() => random.uniform() >= word_dropout)
    return this.#tokenizer.encode(
      (kept.length > 0 ? kept : words).join(' '),
      () => random.uniform() >= word_dropout,
    )
  }
}
