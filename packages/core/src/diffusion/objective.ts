import type { Layout, Scope } from '../nn/index.js'
import type { Random } from '../random/index.js'
import type { Tensor } from '../tensor/index.js'
import type { Condition, Denoiser, DenoiserConfig, NoiseRange } from './denoiser.js'
import { number, type Option, type Rules, share } from './option.js'
import { meanSquare, noised } from './per-picture.js'
import { clampSigma, karrasSigma } from './schedule.js'

/** What a training step knows when it draws the noise levels of one picture. */
export interface TimeContext {
  readonly range: NoiseRange
  /** How much of the training is done, in [0, 1). */
  readonly progress: number
}

/**
 * The noise levels of one picture: t, where the step begins; r ≤ t, where it is compared; and s ≤ t, where a flow map's jump
 * ends (sigma_min unless said).
 */
export interface Times {
  readonly t: number
  readonly r: number
  readonly s?: number
  /** For objectives that judge the student's own pictures, at t: where it begins to paint them. */
  readonly start?: number
}

/** What the loss of a batch is made of. Pictures are [B, …], times [B]. */
export interface LossContext<Own = unknown> {
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
  /** For objectives that judge the student's own pictures: where it begins to paint them, [B]. */
  readonly start?: Tensor
  /** For the same: unit Gaussian, by which what it painted comes to noise level t. */
  readonly renoise?: Tensor
  /** What the objective's own part makes of its parameters; see `Part`. */
  readonly own?: Own
  /** Features of pictures, [B, D], for perceptual distances; present where the run was given a feature network. */
  readonly features?: (pictures: Tensor) => Tensor
}

/**
 * What an objective trains beside the student, as a part with a name: its parameters are kept in a run's state, and are in
 * no model.
 */
export interface Part<Own = unknown> {
  readonly name: string
  readonly layout: Layout
  /** Which of the teacher's parameters one of them begins as, if the teacher has it; the others begin fresh. */
  beginsAs?(name: string): string
  /** So many steps of its own, by `own_loss`, come before each of the student's; absent if `loss` trains both in every step. */
  readonly updates?: number
  /** What the losses use. */
  of(scope: Scope): Own
}

interface ObjectiveBase<Options extends object, Own> {
  readonly name: string
  /** One line of help, with the paper. */
  readonly about: string
  /** Whether the loss asks a teacher: always, never, or where there is one. */
  readonly teacher: boolean | 'optional'
  /** What comes out: a diffusion model, or one that paints in a few steps. */
  readonly kind: 'teacher' | 'student'
  /** Whether what comes out is the identity at sigma_min; see `boundary`. */
  readonly boundary: boolean
  /** Whether the network is told where to jump; see `jump`. */
  readonly flow_map?: true
  /** Whether the student's own pictures are judged; see `Times`. */
  readonly judges_pictures?: true
  /** Whether it is for students that can paint already: what it makes of a teacher's weights is worth little. */
  readonly refines?: true
  /** Where another learning rate than the usual is known to be needed. */
  readonly learning_rate?: number
  /** Pictures in one step, where another number than the usual suits it. */
  readonly batch?: number
  /** Guidance scales that are drawn from, evenly, where the run does not say; then they are an input of the network. */
  readonly guidance_scale?: readonly [least: number, most: number]
  /** Share of the target network that stays over a step, by progress in [0, 1). */
  target_ema?(progress: number, options: Options): number
  times(random: Random, context: TimeContext, options: Options): Times
  /** What is trained beside the student. */
  own?(models: { student: DenoiserConfig; teacher?: DenoiserConfig }, options: Options): Part<Own>
  /** Loss per picture, [B]. */
  loss(context: LossContext<Own>, options: Options): Tensor
  /** The own part's loss per picture, [B], if it is another one. The student is held fixed. */
  own_loss?(context: LossContext<Own>, options: Options): Tensor
}

/**
 * What training minimises, as a value that is handed to the training loop: how noise levels are drawn (on the host,
 * one picture at a time) and what is computed with them (in the graph, a batch at a time).
 */
export interface Objective<Options extends object = object, Own = unknown>
  extends ObjectiveBase<Options, Own> {
  /** Every option with its default. */
  readonly options: Options
  /** What each of them may be, by name. */
  readonly rules: Readonly<Record<string, Option>>
}

/** An objective as its file writes it: what an option may be stands beside its default. */
interface Written<Options extends object, Own> extends ObjectiveBase<Options, Own> {
  readonly options: Rules<Options>
}

export const objective = <Options extends object, Own>({
  options: rules,
  ...rest
}: Written<Options, Own>): Objective<Options, Own> => {
  const all: Readonly<Record<string, Option>> = rules as Readonly<Record<string, Option>>
  const defaults = Object.entries(all).map(([name, option]) => [name, option.default])
  return {
    ...rest,
    options: Object.fromEntries(defaults) as Options,
    rules: all,
  }
}

/**
 * The error of a denoised picture, [B], with the weight λ = (σ² + σd²)/(σσd)² that makes an untrained network's 1 at every
 * noise level (Karras et al. 2022, eq. 2 and table 1).
 */
export const denoisingLoss = (denoised: Tensor, x0: Tensor, t: Tensor, sigma_data: number): Tensor => {
  const weight = t
    .square()
    .add(sigma_data ** 2)
    .div(t.mul(sigma_data).square())
  return meanSquare(denoised.sub(x0)).mul(weight)
}

/**
 * Denoising score matching: trains a diffusion model. Karras et al. 2022, eq. 2 and table 1: ln σ ~ N(P_mean, P_std²).
 * A fraction of the levels is drawn from the Karras schedule instead, so that the solver's first steps are learned too.
 */
export const diffusion = objective({
  name: 'diffusion',
  about: 'denoising score matching, EDM (Karras et al. 2022)',
  teacher: false,
  kind: 'teacher',
  boundary: false,
  options: {
    P_mean: number(-0.6, { least: -20, most: 20 }),
    P_std: number(1.4, { above: 0 }),
    uniform: share(0.2),
  },
  times(random, { range }, { P_mean, P_std, uniform }) {
    const [choice, u, z] = [random.uniform(), random.uniform(), random.normal()]
    const t = choice < uniform ? karrasSigma(u, range) : Math.exp(P_mean + P_std * z)
    const level = clampSigma(t, range)
    return { t: level, r: level }
  },
  loss({ student, x0, noise, t, condition }) {
    const x = noised(x0, noise, t)
    return denoisingLoss(student.denoise(x, t, condition), x0, t, student.range.sigma_data)
  },
})
