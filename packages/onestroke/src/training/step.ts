/** The training step as one program: parameters and a batch in, loss and gradient out. */
import type { Condition, Denoiser, DenoiserConfig, Objective } from '@onestroke/core/diffusion'
import { guided, networkDenoiser } from '@onestroke/core/diffusion'
import { flatScope, namedScope, networkInputShapes, networkLayout } from '@onestroke/core/nn'
import { constant, grad, type Program, type Shape, type Tensor, trace } from '@onestroke/core/tensor'

export interface StepOptions {
  readonly student: DenoiserConfig
  readonly teacher?: DenoiserConfig
  /** Guidance scale w of the teacher; 1 means none. */
  readonly guidance_scale: number
  readonly objective: Objective
  readonly options: object
  readonly batch: number
}

/** Prefix of the teacher's weights among the program's inputs. */
export const TEACHER_PREFIX = 'teacher.'

/**
 * Inputs: `parameters` [P], `x0`, `noise` [B, C, H, W], `t`, `r` [B], `condition` [B, tokens, entries] and the
 * teacher's weights under `teacher.`. Outputs: `loss` [], `losses` [B], `gradient` [P].
 */
export const trainingStep = ({
  student,
  teacher,
  guidance_scale,
  objective,
  options,
  batch,
}: StepOptions): Program => {
  const layout = networkLayout(student.network)
  const shapes = networkInputShapes(student.network, batch)
  const specs: Record<string, Shape> = {
    parameters: [layout.size],
    x0: shapes.x!,
    noise: shapes.x!,
    t: [batch],
    r: [batch],
  }
  if (shapes.condition) specs.condition = shapes.condition
  const teacherLayout = teacher && networkLayout(teacher.network)
  for (const { name, shape } of teacherLayout?.specs ?? []) specs[TEACHER_PREFIX + name] = shape
  return trace(specs, (inputs) => {
    const { parameters, x0, noise, t, r } = inputs as Record<string, Tensor> as Record<
      'parameters' | 'x0' | 'noise' | 't' | 'r',
      Tensor
    >
    const condition: Condition = inputs.condition ? { condition: inputs.condition } : {}
    const context = {
      student: networkDenoiser(flatScope(layout, parameters), student),
      ...(teacher && { teacher: teacherDenoiser(inputs, teacher, guidance_scale, batch) }),
      x0,
      noise,
      t,
      r,
      condition,
    }
    const losses = objective.loss(context, options)
    const loss = losses.mean()
    return { loss, losses, gradient: grad(loss, [parameters])[0]! }
  })
}

const teacherDenoiser = (
  inputs: Readonly<Record<string, Tensor>>,
  config: DenoiserConfig,
  guidance_scale: number,
  batch: number,
): Denoiser => {
  const weights = Object.fromEntries(
    Object.entries(inputs).flatMap(([name, tensor]) =>
      name.startsWith(TEACHER_PREFIX) ? [[name.slice(TEACHER_PREFIX.length), tensor]] : [],
    ),
  )
  const teacher = networkDenoiser(namedScope(weights), config)
  const shape = networkInputShapes(config.network, batch).condition
  if (guidance_scale === 1 || !shape) return teacher
  return guided(teacher, nothing(shape), constant(guidance_scale).broadcastTo([batch]))
}

/** The dropped condition, for a whole batch: entry 0 at token 0. */
const nothing = (shape: readonly number[]): Tensor => {
  const [, tokens, entries] = shape as [number, number, number]
  const values = new Float32Array(tokens * entries)
  values[0] = 1
  return constant(values, [1, tokens, entries]).broadcastTo(shape)
}
