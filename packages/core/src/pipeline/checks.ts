/** Checks the numbers that sampling is asked for, by a program, a request or a page's attributes. */
import type { NoiseRange } from '../diffusion/index.js'
import { UserError } from '../errors/index.js'
import type { GenerateOptions } from './options.js'

type Numbers = Pick<
  GenerateOptions,
  'num_inference_steps' | 'guidance_scale' | 'seed' | 'seeds' | 'gamma' | 'to'
>

/** The largest seed: 4,294,967,295. */
export const MOST_SEED = 2 ** 32 - 1

/** The seeds of `count` pictures: seed, seed + 1, …; after `MOST_SEED` comes 0. So every picture of a batch can be had alone. */
export const seedsFrom = (seed: number, count: number): number[] =>
  Array.from({ length: count }, (_, k) => (seed + k) % (MOST_SEED + 1))

/** The error if a model's output is not finite: its weights are damaged, or the guidance scale is far too high. */
export class NotFiniteError extends UserError {
  constructor() {
    super('the model painted values that are not finite, which is no picture', {
      remedy: 'copy or export the model again, since its files may be damaged, or lower the guidance scale',
    })
  }
}

/** @throws NotFiniteError unless all values of pictures are finite. */
export const checkFinite = (pictures: Float32Array): void => {
  if (!pictures.every(Number.isFinite)) throw new NotFiniteError()
}

/** @throws UserError that names the option and its range. */
export const checkNumbers = ({ seeds = [], to, ...options }: Numbers): void => {
  const expected = (option: string, range: string, value: number) =>
    new UserError(`\`${option}\` is ${range}, not ${value}`, { option })
  const whole = (option: string, value: number | undefined, least: number, most?: number) => {
    const inside = Number.isSafeInteger(value) && value! >= least && value! <= (most ?? value!)
    if (value !== undefined && !inside)
      throw expected(option, `a whole number from ${least}${most === undefined ? '' : ` to ${most}`}`, value)
  }
  const share = (option: string, value: number | undefined) => {
    if (value !== undefined && !(value >= 0 && value <= 1)) throw expected(option, 'between 0 and 1', value)
  }
  whole('num_inference_steps', options.num_inference_steps, 1)
  for (const seed of [options.seed, ...seeds]) whole('seed', seed, 0, MOST_SEED)
  whole('to.seed', to?.seed, 0, MOST_SEED)
  share('gamma', options.gamma)
  for (const weight of to?.weights ?? []) share('to.weights', weight)
  const { guidance_scale } = options
  if (guidance_scale !== undefined && !Number.isFinite(guidance_scale))
    throw expected('guidance_scale', 'a number', guidance_scale)
}

/** @throws UserError unless a student's noise levels fall, within the model's range. */
export const checkSigmas = (
  sigmas: readonly number[],
  { sigma_min, sigma_max }: Pick<NoiseRange, 'sigma_min' | 'sigma_max'>,
): void => {
  const wrong = sigmas.find(
    (sigma, i) => !(sigma >= sigma_min && sigma <= sigma_max && sigma < (sigmas[i - 1] ?? Infinity)),
  )
  if (sigmas.length === 0 || wrong !== undefined)
    throw new UserError(
      `noise levels must fall, between ${sigma_max} and ${sigma_min}: ${sigmas.join(', ')} do not${wrong === undefined ? '' : ` (${wrong})`}`,
      { option: 'sigmas' },
    )
}
