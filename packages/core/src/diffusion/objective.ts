import type { Random } from '../random/index.js'
import type { Tensor } from '../tensor/index.js'
import { type Condition, type Denoiser, type NoiseRange, perPicture } from './denoiser.js'
import { karrasSigma } from './schedule.js'

/** What a training step knows when it draws the noise levels of one picture. */
export interface TimeContext {
  readonly range: NoiseRange
  /** How much of the training is done, in [0, 1). */
  readonly progress: number
}

/** What the loss of a batch is made of. Pictures are [B, C, H, W], times [B]. */
export interface LossContext {
  readonly student: Denoiser
  /** The frozen model that is distilled; absent where an objective needs none. */
  readonly teacher?: Denoiser
  readonly x0: Tensor
  /** Unit Gaussian. */
  readonly noise: Tensor
  /** Noise level of the step, and the lower one that it is compared with (0 where an objective has none). */
  readonly t: Tensor
  readonly r: Tensor
  readonly condition: Condition
}

/**
 * What training minimises, as a value that is handed to the training loop: how noise levels are drawn (on the host,
 * one picture at a time) and what is computed with them (in the graph, a batch at a time).
 */
export interface Objective<Options extends object = object> {
  readonly name: string
  /** One line for `--help`, with the paper. */
  readonly about: string
  readonly teacher: boolean
  readonly parametrization: 'edm' | 'consistency'
  /** Every option with its default. */
  readonly options: Options
  times(random: Random, context: TimeContext, options: Options): { t: number; r: number }
  /** Loss per picture, [B]. */
  loss(context: LossContext, options: Options): Tensor
}

/** Types an objective's options by its defaults. */
export const objective = <Options extends object>(value: Objective<Options>): Objective<Options> => value

/**
 * Denoising score matching: trains a diffusion model. Karras et al. 2022, eq. 2 and table 1: weight
 * λ = (σ² + σd²)/(σσd)², which makes the loss of an untrained network 1 at every level; ln σ ~ N(P_mean, P_std²).
 * A fraction of the levels is drawn from the Karras schedule instead, so that the solver's first steps are learned too.
 */
export const diffusion = objective({
  name: 'diffusion',
  about: 'denoising score matching, EDM (Karras et al. 2022)',
  teacher: false,
  parametrization: 'edm',
  options: { P_mean: -0.6, P_std: 1.4, uniform: 0.2 },
  times(random, { range }, { P_mean, P_std, uniform }) {
    const [choice, u, z] = [random.uniform(), random.uniform(), random.normal()]
    const t = choice < uniform ? karrasSigma(u, range) : Math.exp(P_mean + P_std * z)
    return { t: Math.min(Math.max(t, range.sigma_min), range.sigma_max), r: 0 }
  },
  loss({ student, x0, noise, t, condition }) {
    const { sigma_data } = student.range
    const x = x0.add(noise.mul(perPicture(t)))
    const error = student.denoise(x, t, condition).sub(x0)
    const weight = t
      .square()
      .add(sigma_data ** 2)
      .div(t.mul(sigma_data).square())
    return error
      .sumSquares([1, 2, 3])
      .mul(x0.shape[0]! / x0.size)
      .mul(weight)
  },
})
