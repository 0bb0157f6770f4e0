/** The training step as one program: parameters and a batch in, loss and gradient out. */
import { pictureFeatures } from '@onestroke/core/consistency'
import type { Denoiser, DenoiserConfig, LossContext, Objective, Part } from '@onestroke/core/diffusion'
import { guided, networkDenoiser } from '@onestroke/core/diffusion'
import {
  flatScope,
  namedScope,
  networkInputShapes,
  networkLayout,
  type Trainable,
  wholeNetwork,
} from '@onestroke/core/nn'
import {
  grad,
  type InputSpec,
  type OnnxFunction,
  type Program,
  type Tensor,
  trace,
} from '@onestroke/core/tensor'
import { asNegative, negativeName, promptInputs } from '@onestroke/core/text'

export interface StepOptions {
  readonly student: DenoiserConfig
  /** The part of the student's network that is trained. Default: all of it. */
  readonly trainable?: Trainable
  readonly teacher?: DenoiserConfig
  /** Guidance scale w of the teacher, 1 meaning none; or the range that the batch's scales are drawn from. */
  readonly guidance_scale: GuidanceScale
  readonly objective: Objective
  /** What the objective trains beside the network. Default: what `ownPart` makes of the other options. */
  readonly part?: Part
  readonly options: object
  /** The network of perceptual distances, where the objective measures by one. */
  readonly features?: OnnxFunction
  readonly batch: number
}

export type GuidanceScale = number | readonly [least: number, most: number]

/** Prefix of the teacher's weights among the program's inputs. */
export const TEACHER_PREFIX = 'teacher.'

/** The objective's own part, if it has one. */
export const ownPart = ({
  student,
  teacher,
  objective,
  options,
}: Pick<StepOptions, 'student' | 'teacher' | 'objective' | 'options'>): Part | undefined =>
  objective.own?.({ student, teacher }, options)

/**
 * One step of the student, together with the objective's own part unless that has separate steps; or one separate step of it.
 *
 * Inputs: `parameters` [P], what is trained; `own` [Q], the parameters of the objective's own part, if there is one; `target` [P],
 * the moving average of what is trained, where the objective has one; `x0`, `noise` [B, C, H, W]; `t`, `r`, `s`, `guidance_scale` [B]; `progress`
 * [1]; `weight` [B], how much each picture counts, and `total_weight` [1], what all of them count, those of other processes included; those of the prompts and of negative prompts (see `promptInputs`); `start` [B] and `renoise`
 * [B, C, H, W] where the objective judges the student's pictures; the weights of the student that stay, by the names that
 * `trainable` gives them; and the teacher's weights under `teacher.`, if it is asked.
 * Outputs: `loss` [], `losses` [B], `gradient` [P] and `own_gradient` [Q], of what is trained.
 */
export const trainingStep = (step: StepOptions, trains: 'student' | 'own' = 'student'): Program => {
  const { student, teacher, objective, options, features, batch } = step
  const { trainable = wholeNetwork(networkLayout(student.network)), part = ownPart(step) } = step
  const { size } = trainable.layout
  const shapes = networkInputShapes(student.network, batch)
  const prompt = promptInputs(student.network.embedding.condition, batch)
  const specs: Record<string, InputSpec> = {
    parameters: [size],
    ...(part && { own: [part.layout.size] }),
    ...(objective.target_ema && { target: [size] }),
    x0: shapes.x,
    noise: shapes.x,
    t: [batch],
    r: [batch],
    s: [batch],
    guidance_scale: [batch],
    progress: [1],
    weight: [batch],
    total_weight: [1],
    ...(objective.judges_pictures && { start: [batch], renoise: shapes.x }),
    ...prompt,
    ...asNegative(prompt),
  }
  const teaches = teacher && objective.teacher !== false && trains === 'student'
  for (const { name, shape } of teaches ? networkLayout(teacher.network).specs : [])
    specs[TEACHER_PREFIX + name] = shape
  for (const [name, { shape }] of Object.entries(trainable.frozen)) specs[name] = shape
  return trace(specs, (inputs) => {
    const { parameters, x0, noise, t, r, s, guidance_scale, weight } = inputs as Record<
      string,
      Tensor
    > as Record<'parameters' | 'x0' | 'noise' | 't' | 'r' | 's' | 'guidance_scale' | 'weight', Tensor>
    const { own } = inputs
    const denoiser = networkDenoiser(trainable.scope(parameters, inputs), student)
    const context: LossContext = {
      student: denoiser,
      target: inputs.target ? networkDenoiser(trainable.scope(inputs.target, inputs), student) : denoiser,
      ...(teaches && { teacher: teacherDenoiser(inputs, teacher, step) }),
      x0,
      noise,
      t,
      r,
      s,
      ...(objective.judges_pictures && { start: inputs.start!, renoise: inputs.renoise! }),
      condition: {
        ...among(inputs, Object.keys({ ...prompt, ...asNegative(prompt) })),
        guidance_scale,
      },
      progress: inputs.progress!.reshape([]),
      ...(features && { features: pictureFeatures(features) }),
      ...(part && { own: part.of(flatScope(part.layout, own!)) }),
    }
    const losses = (trains === 'own' ? objective.own_loss! : objective.loss)(context, options)
    const loss = losses.mul(weight).sum().div(inputs.total_weight!.reshape([]))
    const trained: Record<string, Tensor> = {
      ...(trains === 'student' && { gradient: parameters }),
      ...(own && (trains === 'own' || part!.updates === undefined) && { own_gradient: own }),
    }
    const gradients = grad(loss, Object.values(trained))
    return {
      loss,
      losses,
      ...Object.fromEntries(Object.keys(trained).map((name, i) => [name, gradients[i]!])),
    }
  })
}

const teacherDenoiser = (
  inputs: Readonly<Record<string, Tensor>>,
  config: DenoiserConfig,
  { guidance_scale, batch }: StepOptions,
): Denoiser => {
  const weights = Object.fromEntries(
    Object.entries(inputs).flatMap(([name, tensor]) =>
      name.startsWith(TEACHER_PREFIX) ? [[name.slice(TEACHER_PREFIX.length), tensor]] : [],
    ),
  )
  const teacher = networkDenoiser(namedScope(weights), config)
  const prompt = Object.keys(promptInputs(config.network.embedding.condition, batch))
  if (guidance_scale === 1 || prompt.length === 0) return teacher
  const negative = prompt.map((name) => [name, inputs[negativeName(name)]!] as const)
  return guided(teacher, Object.fromEntries(negative), inputs.guidance_scale!)
}

const among = (inputs: Readonly<Record<string, Tensor>>, names: readonly string[]): Record<string, Tensor> =>
  Object.fromEntries(names.map((name) => [name, inputs[name]!]))
