/** What sampling is asked for, and what it needs to know of a model. */
import {
  type SamplerName,
  SCHEDULE_NAMES,
  type ScheduleName,
  type SolverOptions,
} from '../diffusion/index.js'
import type { ModelConfig } from '../formats/index.js'
import type { EditOptions, Interpolation } from './edit.js'
import type { Graphs } from './graphs.js'
import type { GraphFile } from './manifest.js'

/** What sampling needs to know of a model. */
export type PipelineConfig = Pick<
  ModelConfig,
  'kind' | 'network' | 'space' | 'sigma_min' | 'sigma_max' | 'sigma_data' | 'vocabulary' | 'sampling'
> & {
  /** What its graphs take, if they are those of an export. */
  readonly graphs?: Graphs<Pick<GraphFile, 'inputs'>>
}

/** How steps are spaced: by a schedule or, for students alone, as latent consistency models do it. */
export type StepSpacing = ScheduleName | 'lcm'
export const STEP_SPACINGS: readonly StepSpacing[] = [...SCHEDULE_NAMES, 'lcm']

export interface GenerateOptions extends SolverOptions, EditOptions {
  /** Called after each step with the state, points [count, …], and the denoised pictures: coarse ones where a codec has them. Awaited. */
  onStep?: SolverOptions['onStep']
  /** One prompt (or class name) per picture; '' is no condition. */
  prompts: readonly string[]
  /** Same seed, same pictures: a whole number up to `MOST_SEED`. Picture k of a batch is that of seed + k; see `seedsFrom`. */
  seed?: number
  /** One for each picture, instead of `seed`. */
  seeds?: readonly number[]
  /** Unit Gaussian noise of points for each step, [count, C, H, W], instead of seeds: step 0 is where pictures begin. */
  noise?(step: number): Float32Array
  /** Default: what the model recommends; students that edit take 4 or more. */
  num_inference_steps?: number
  /** A student's noise levels, decreasing, one for each step: instead of `num_inference_steps`. */
  sigmas?: readonly number[]
  /** For students `consistency`; for diffusion models one of `SOLVERS`. */
  solver?: SamplerName
  /** How a teacher's steps are spaced; a student's levels by a schedule instead of its own. */
  schedule?: StepSpacing
  /** Students: how much of each further step is fresh noise; see `multistep`. */
  gamma?: number
  /** Classifier-free guidance w in D_u + w(D_c − D_u): 1 means none. */
  guidance_scale?: number
  /** What guidance leads away from, instead of no condition. */
  negative_prompt?: string
  /** Pictures on the way to another prompt or seed. */
  to?: Interpolation
  /** Ends the sampling before its next evaluation of the network: `generate` then throws the signal's reason. */
  signal?: AbortSignal
}
