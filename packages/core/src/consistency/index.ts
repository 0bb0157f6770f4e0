import type { Objective } from '../diffusion/index.js'
import { consistencyDistillation } from './distillation.js'

export { consistencyDistillation } from './distillation.js'
export { odeStep } from './ode.js'
export { multistep, multistepSigmas } from './sampler.js'

/** Distillation methods by name. */
export const METHODS: Readonly<Record<string, Objective>> = {
  [consistencyDistillation.name]: consistencyDistillation as unknown as Objective,
}
