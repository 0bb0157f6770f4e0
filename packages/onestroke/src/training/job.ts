/** A run's network, objective and programs, derived once from its options. */
import type { DenoiserConfig, Objective, Part } from '@onestroke/core/diffusion'
import { UserError } from '@onestroke/core/errors'
import type { Trainable } from '@onestroke/core/nn'
import type { OnnxFunction, Program } from '@onestroke/core/tensor'
import { takesPrompts } from '@onestroke/core/text'
import type { LoadedAutoencoder } from '../model/index.js'
import type { BatchPlan } from './batch.js'
import {
  autoencoderOf,
  type Beginning,
  beginningOf,
  denoiserConfig,
  type Given,
  networkOf,
  trainableOf,
} from './beginning.js'
import type { Latents } from './latents.js'
import { objectiveNamed } from './objectives.js'
import { ownPart, type StepOptions, TEACHER_PREFIX, trainingStep } from './step.js'

/** What decides what a run trains. */
export interface JobOptions extends Given {
  /** The network of perceptual distances of methods whose `distance` is `perceptual`. */
  readonly features?: OnnxFunction
}

export interface Job {
  readonly given: JobOptions
  readonly objective: Objective
  readonly denoiser: DenoiserConfig
  /** What makes points of pictures; absent where the pictures themselves are the points. */
  readonly autoencoder: LoadedAutoencoder | undefined
  /** The source of the first weights; absent if they begin fresh. */
  readonly beginning: Beginning | undefined
  readonly trainable: Trainable
  /** What the objective trains beside the network. */
  readonly part: Part | undefined
}

/** @throws UserError if the network cannot be made, or cannot begin as it should. */
export const prepare = (given: JobOptions): Job => {
  const { plan, teacher } = given
  const { sigma_min, sigma_max } = plan
  if (sigma_max <= sigma_min)
    throw new UserError(`\`sigma_max\` must be above sigma_min, which is ${sigma_min}`, {
      option: 'sigma_max',
    })
  const objective = objectiveNamed(plan.method)
  if (objective.teacher === true && !teacher)
    throw new UserError(`the method ${plan.method} needs a teacher`, { option: 'method' })
  if (given.features && autoencoderOf(given))
    throw new UserError('perceptual distances compare pictures, and this model works in latents', {
      option: 'features',
      remedy: 'measure distances otherwise',
    })
  const network = networkOf(given, objective)
  const beginning = beginningOf(given, network)
  const denoiser = denoiserConfig(given, objective, network, beginning)
  const trainable = trainableOf(given, network, beginning)
  const part = ownPart({
    student: denoiser,
    teacher: teacher?.config,
    objective,
    options: plan.method_options,
  })
  return { given, objective, denoiser, autoencoder: autoencoderOf(given), beginning, trainable, part }
}

/** The student's step, and that of the objective's own part, if that has steps of its own. */
export const stepPrograms = (
  job: Job,
  batch: number,
): readonly [student: Program] | readonly [student: Program, own: Program] => {
  const { given, objective, denoiser, trainable, part } = job
  const { plan, teacher, features } = given
  const options: StepOptions = {
    student: denoiser,
    trainable,
    teacher: teacher?.config,
    features,
    guidance_scale: plan.guidance_scale,
    objective,
    part,
    options: plan.method_options,
    batch,
  }
  const student = trainingStep(options)
  return part?.updates === undefined ? [student] : [student, trainingStep(options, 'own')]
}

/** Constants of a step's program: the weights of the teacher, and the frozen weights of the student. */
export const constantsOf = (
  { given: { teacher }, trainable }: Job,
  program: Program,
): Record<string, Float32Array> => {
  const all = [
    ...Object.entries(trainable.frozen).map(([name, { values }]) => [name, values] as const),
    ...Object.entries(teacher?.layout.unflatten(teacher.weights) ?? {}).map(
      ([name, values]) => [TEACHER_PREFIX + name, values] as const,
    ),
  ]
  return Object.fromEntries(all.filter(([name]) => name in program.inputs))
}

/**
 * @param images pictures in the whole training.
 * @param latents of the data set, where the model works in latents.
 */
export const batchPlan = (
  { given: { plan, dataset, vocabulary }, denoiser }: Job,
  images: number,
  latents: Latents | undefined,
): BatchPlan => ({
  kind: 'noised',
  dataset: {
    pixels: dataset.pixels,
    count: dataset.count,
    channels: dataset.channels,
    height: dataset.height,
    width: dataset.width,
    names: dataset.names,
    styles: dataset.styles,
    classes: dataset.classes,
    labels: dataset.labels,
  },
  latents,
  vocabulary,
  seed: plan.seed,
  batch: plan.batch,
  images,
  range: { sigma_min: denoiser.sigma_min, sigma_max: denoiser.sigma_max, sigma_data: denoiser.sigma_data },
  objective: plan.method,
  options: plan.method_options,
  guidance_scale: plan.guidance_scale,
  augment: { flip: plan.flip, translate: plan.translate },
  condition_dropout: takesPrompts(vocabulary) ? plan.condition_dropout : 0,
  word_dropout: plan.word_dropout,
})
