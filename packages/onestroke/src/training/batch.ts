/**
 * The inputs of a training step as a pure function of its number: pictures, noise, noise levels, conditions. There is no
 * state here, so a run can stop anywhere and resume bit for bit.
 */
import type { NoiseRange, Objective } from '@onestroke/core/diffusion'
import { sizeOf } from '@onestroke/core/picture'
import { Random, STREAM } from '@onestroke/core/random'
import { ofHalves } from '@onestroke/core/tensor'
import {
  asNegative,
  type Conditioner,
  conditionerOf,
  negativeName,
  type PromptArray,
  type PromptArrays,
  promptArrays,
  promptInputs,
  type Reading,
  type Told,
  type Vocabulary,
} from '@onestroke/core/text'
import { type Augment, type Dataset, drawChange, readPicture, Shuffle } from '../data/index.js'
import type { Latents } from './latents.js'
import { objectiveNamed } from './objectives.js'
import type { GuidanceScale } from './step.js'

/** Plain data: it travels to the worker that prepares the batches. */
export interface BatchPlan {
  readonly kind: 'noised'
  readonly dataset: Pick<
    Dataset,
    'pixels' | 'count' | 'channels' | 'height' | 'width' | 'names' | 'styles' | 'classes' | 'labels'
  >
  /** The points of the pictures; absent where the pictures themselves are the points. */
  readonly latents?: Latents
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
  /** How pictures are changed. Latents were encoded of changed pictures. */
  readonly augment: Augment
  /** Share of the pictures whose condition is dropped, for classifier-free guidance. */
  readonly condition_dropout: number
  /** Share of the words that are left out of a caption, and of those that are read by their trigrams alone. */
  readonly word_dropout: number
}

/** The pictures of one batch that one process computes: B of them, from number `from` up to number `to`. */
export interface BatchSlice {
  readonly from: number
  readonly to: number
}

/** By the names of the training step's inputs. */
export interface Batch {
  /** The pictures, as points. */
  readonly x0: Float32Array<ArrayBuffer>
  readonly noise: Float32Array<ArrayBuffer>
  readonly t: Float32Array<ArrayBuffer>
  readonly r: Float32Array<ArrayBuffer>
  readonly s: Float32Array<ArrayBuffer>
  readonly guidance_scale: Float32Array<ArrayBuffer>
  /** How much each picture counts: 1. */
  readonly weight: Float32Array<ArrayBuffer>
  /** [1], the sum of the weights of the whole batch. */
  readonly total_weight: Float32Array<ArrayBuffer>
  /** [1], in [0, 1). */
  readonly progress: Float32Array<ArrayBuffer>
  /** Where the student begins to paint, and the noise for what it painted; empty where that is not judged. */
  readonly start: Float32Array<ArrayBuffer>
  readonly renoise: Float32Array<ArrayBuffer>
  /**
   * The prompts, under the names of the conditioner's inputs; and what guidance leads away from, under their `negativeName`:
   * nothing, or, where the scale is drawn, now and then another picture's prompt.
   */
  readonly [promptInput: string]: PromptArray
}

const guidanceScale = (given: GuidanceScale, random: Random): number =>
  typeof given === 'number' ? given : given[0] + (given[1] - given[0]) * random.uniform()

export class BatchMaker {
  readonly #objective: Objective
  readonly #conditioner: Conditioner
  readonly #shuffle: Shuffle

  /** @param slice of each batch; all of it by default. Pictures keep their number in the batch, and so what is drawn for them. */
  constructor(
    readonly plan: BatchPlan,
    readonly slice: BatchSlice = { from: 0, to: plan.batch },
  ) {
    this.#objective = objectiveNamed(plan.objective)
    this.#conditioner = conditionerOf(plan.vocabulary)
    this.#shuffle = new Shuffle(plan.dataset.count, plan.seed)
  }

  /** Batch number `step`, counted from 0. Writes over `reuse` if given. */
  async make(step: number, reuse?: Batch): Promise<Batch> {
    const { plan, slice } = this
    const { dataset, latents, batch, seed, range } = plan
    const count = slice.to - slice.from
    const size = sizeOf(latents?.shape ?? dataset)
    const judged = this.#objective.judges_pictures === true
    const prompt = promptInputs(this.#conditioner.shape, count)
    const out: Batch = reuse ?? {
      x0: new Float32Array(count * size),
      noise: new Float32Array(count * size),
      t: new Float32Array(count),
      r: new Float32Array(count),
      s: new Float32Array(count),
      guidance_scale: new Float32Array(count),
      weight: new Float32Array(count),
      total_weight: new Float32Array(1),
      progress: new Float32Array(1),
      start: new Float32Array(judged ? count : 0),
      renoise: new Float32Array(judged ? count * size : 0),
      ...promptArrays(prompt),
      ...promptArrays(asNegative(prompt)),
    }
    const context = { range, progress: Math.min((step * batch) / plan.images, 1 - 1e-9) }
    out.weight.fill(1)
    out.total_weight[0] = batch
    out.progress[0] = context.progress
    const random = (stream: number, index: number) => new Random({ seed, stream, step, index })
    const prompts: Reading[] = []
    const negatives: Reading[] = []
    for (let k = 0; k < count; k++) {
      /** Its number in the whole batch. */
      const i = slice.from + k
      const picture = this.#shuffle.at(step * batch + i)
      this.#readPoint(picture, out.x0, k * size, random(STREAM.augment, i))
      random(STREAM.noise, i).fillNormal(out.noise.subarray(k * size, (k + 1) * size))
      const {
        t,
        r,
        s = range.sigma_min,
        start,
      } = this.#objective.times(random(STREAM.time, i), context, plan.options)
      out.t[k] = t
      out.r[k] = r
      out.s[k] = s
      if (judged) {
        out.start[k] = start!
        random(STREAM.renoise, i).fillNormal(out.renoise.subarray(k * size, (k + 1) * size))
      }
      const guidance = random(STREAM.guidance, i)
      out.guidance_scale[k] = guidanceScale(plan.guidance_scale, guidance)
      negatives.push(this.#negative(guidance))
      prompts.push(this.#conditioner.trainingPrompt(this.#told(picture), random(STREAM.condition, i), plan))
    }
    const arrays = (nameOf: (name: string) => string): PromptArrays =>
      Object.fromEntries(Object.keys(prompt).map((name) => [name, out[nameOf(name)]!]))
    this.#conditioner.encode(
      prompts,
      arrays((name) => name),
    )
    this.#conditioner.encode(negatives, arrays(negativeName))
    return out
  }

  /** Writes the point of a picture that was changed at random. */
  #readPoint(picture: number, out: Float32Array, offset: number, random: Random): void {
    const { dataset, latents, augment } = this.plan
    if (latents) {
      const size = sizeOf(latents.shape)
      const at = (picture * latents.variants + random.integer(latents.variants)) * size
      out.set(ofHalves(latents.values.subarray(at, at + size)), offset)
    } else readPicture(dataset, picture, out, offset, drawChange(augment, random))
  }

  /** Half of the time the empty prompt; else another picture's caption, or a part of it. */
  #negative(random: Random): Reading {
    const { guidance_scale, dataset } = this.plan
    if (typeof guidance_scale === 'number' || random.uniform() < 0.5) return this.#conditioner.read('')
    const picture = random.integer(dataset.count)
    return this.#conditioner.trainingNegative(this.#told(picture), random, this.plan)
  }

  #told(picture: number): Told {
    const { names, styles, classes, labels } = this.plan.dataset
    return {
      caption: names?.[picture],
      style: styles?.[picture],
      class: labels && classes?.[labels[picture]!],
    }
  }
}
