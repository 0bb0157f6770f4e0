/** The training step as one program: parameters and a batch in, loss and gradient out. */
import { logVariance, pictureFeatures, weightingLayout } from '@onestroke/core/consistency'
import type { Denoiser, DenoiserConfig, LossContext, Objective } from '@onestroke/core/diffusion'
import { guided, networkDenoiser } from '@onestroke/core/diffusion'
import {
  flatScope,
  type NetworkConfig,
  namedScope,
  networkInputShapes,
  networkLayout,
} from '@onestroke/core/nn'
import { grad, type OnnxFunction, type Program, type Shape, type Tensor, trace } from '@onestroke/core/tensor'

export interface StepOptions {
  readonly student: DenoiserConfig
  readonly teacher?: DenoiserConfig
  /** Guidance scale w of the teacher, 1 meaning none; or the range that the batch's scales are drawn from. */
  readonly guidance_scale: GuidanceScale
  readonly objective: Objective
  readonly options: object
  /** The network of perceptual distances, where the objective measures by one. */
  readonly features?: OnnxFunction
  readonly batch: number
}

export type GuidanceScale = number | readonly [least: number, most: number]

/** Prefix of the teacher's weights among the program's inputs. */
export const TEACHER_PREFIX = 'teacher.'

/** Parameters that an objective trains beside the network's, after them in the flat vector. */
export const trainedSize = (network: NetworkConfig, { learned_weight }: Objective): number =>
  networkLayout(network).size + (learned_weight ? weightingLayout().size : 0)

/**
 * Inputs: `parameters` [P], those of the network and then the objective's own; `target` [P'], the network's moving
 * average, where the objective has one; `x0`, `noise` [B, C, H, W]; `t`, `r`, `s`, `guidance_scale` [B]; `progress`
 * [1]; `weight` [B], how much each picture counts; `condition` [B, tokens, entries]; and the teacher's weights under
 * `teacher.`. Outputs: `loss` [], `losses` [B], `gradient` [P].
 */
export const trainingStep = (step: StepOptions): Program => {
  const { student, teacher, objective, options, features, batch } = step
  const layout = networkLayout(student.network)
  const shapes = networkInputShapes(student.network, batch)
  const specs: Record<string, Shape> = {
    parameters: [trainedSize(student.network, objective)],
    ...(objective.target_ema && { target: [layout.size] }),
    ...{ x0: shapes.x!, noise: shapes.x! },
    ...{ t: [batch], r: [batch], s: [batch], guidance_scale: [batch], progress: [1], weight: [batch] },
    ...(shapes.condition && { condition: shapes.condition, negative: shapes.condition }),
  }
  const teaches = teacher && objective.teacher !== false
  for (const { name, shape } of teaches ? networkLayout(teacher.network).specs : [])
    specs[TEACHER_PREFIX + name] = shape
  return trace(specs, (inputs) => {
    const { parameters, x0, noise, t, r, s, guidance_scale, weight } = inputs as Record<
      string,
      Tensor
    > as Record<'parameters' | 'x0' | 'noise' | 't' | 'r' | 's' | 'guidance_scale' | 'weight', Tensor>
    const extra = parameters.size - layout.size
    const [weights, own] = parameters.split(extra > 0 ? [layout.size, extra] : [layout.size], 0)
    const denoiser = networkDenoiser(flatScope(layout, weights!), student)
    const context: LossContext = {
      student: denoiser,
      target: inputs.target ? networkDenoiser(flatScope(layout, inputs.target), student) : denoiser,
      ...(teaches && { teacher: teacherDenoiser(inputs, teacher, step) }),
      ...{ x0, noise, t, r, s },
      condition: {
        ...(inputs.condition && { condition: inputs.condition, negative: inputs.negative! }),
        guidance_scale,
      },
      progress: inputs.progress!.reshape([]),
      ...(features && { features: pictureFeatures(features) }),
      ...(own && { log_variance: (sigma) => logVariance(flatScope(weightingLayout(), own), sigma) }),
    }
    const losses = objective.loss(context, options)
    const loss = losses.mul(weight).sum().div(weight.sum())
    return { loss, losses, gradient: grad(loss, [parameters])[0]! }
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
  const shape = networkInputShapes(config.network, batch).condition
  if (guidance_scale === 1 || !shape) return teacher
  return guided(teacher, inputs.negative!, inputs.guidance_scale!)
}
