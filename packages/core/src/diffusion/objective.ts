import type { Random } from '../random/index.js'
import type { Tensor } from '../tensor/index.js'
import { type Condition, type Denoiser, type NoiseRange, perPicture } from './denoiser.js'
import type { Parametrization } from './precondition.js'
import { clampSigma, karrasSigma } from './schedule.js'

/** What a training step knows when it draws the noise levels of one picture. */
export interface TimeContext {
  readonly range: NoiseRange
  /** How much of the training is done, in [0, 1). */
  readonly progress: number
}

/**
 * The noise levels of one picture: t, where the step begins; r ≤ t, where it is compared; and s ≤ t, where a flow map's jump
 * ends, or the first of a teacher's several steps (sigma_min unless said).
 */
export interface Times {
  readonly t: number
  readonly r: number
  readonly s?: number
}

/** What the loss of a batch is made of. Pictures are [B, C, H, W], times [B]. */
export interface LossContext {
  readonly student: Denoiser
  /** Who gives the targets: the student's moving average where the objective has a `target_ema`, else the student. */
  readonly target: Denoiser
  /** The frozen model that is distilled; absent where an objective needs none. */
  readonly teacher?: Denoiser
  readonly x0: Tensor
  /** Unit Gaussian. */
  readonly noise: Tensor
  /** Noise levels; see `Times`. */
  readonly t: Tensor
  readonly r: Tensor
  readonly s: Tensor
  readonly condition: Condition
  /** How much of the training is done: [], in [0, 1). */
  readonly progress: Tensor
  /** ln of an error's usual size at noise level σ [B], learned along: [B]. For objectives with `learned_weight`. */
  readonly log_variance?: (sigma: Tensor) => Tensor
  /** Features of pictures, [B, D], for perceptual distances; present where the run was given a feature network. */
  readonly features?: (pictures: Tensor) => Tensor
}

/**
 * What training minimises, as a value that is handed to the training loop: how noise levels are drawn (on the host,
 * one picture at a time) and what is computed with them (in the graph, a batch at a time).
 */
export interface Objective<Options extends object = object> {
  readonly name: string
  /** One line for `--help`, with the paper. */
  readonly about: string
  /** Whether the loss asks a teacher: always, never, or where there is one. */
  readonly teacher: boolean | 'optional'
  /** What comes out: a diffusion model, or one that paints in a few steps. */
  readonly kind: 'teacher' | 'student'
  readonly parametrization: Parametrization
  /** Whether the network is told where to jump; see `jump`. */
  readonly flow_map?: true
  /** Whether the loss is weighted by `log_variance`. */
  readonly learned_weight?: true
  /** Where another learning rate than the usual is known to be needed. */
  readonly learning_rate?: number
  /** Guidance scales that are drawn from, evenly, where the run does not say; then they are an input of the network. */
  readonly guidance_scale?: readonly [least: number, most: number]
  /** Every option with its default. */
  readonly options: Options
  /** What options that are words may be. */
  readonly choices?: { readonly [name in keyof Options]?: readonly string[] }
  /** Share of the target network that stays over a step, by progress in [0, 1). */
  target_ema?(progress: number, options: Options): number
  times(random: Random, context: TimeContext, options: Options): Times
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
  kind: 'teacher',
  parametrization: 'edm',
  options: { P_mean: -0.6, P_std: 1.4, uniform: 0.2 },
  times(random, { range }, { P_mean, P_std, uniform }) {
    const [choice, u, z] = [random.uniform(), random.uniform(), random.normal()]
    const t = choice < uniform ? karrasSigma(u, range) : Math.exp(P_mean + P_std * z)
    const level = clampSigma(t, range)
    return { t: level, r: level }
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
