import {
  type DenoiseFunction,
  type NoiseRange,
  noiseLevel,
  type SolverOptions,
  vpSigma,
  vpTime,
} from '../diffusion/index.js'

export interface MultistepOptions extends SolverOptions {
  /** Share of each step that is taken back by fresh noise, in [0, 1]. */
  gamma?: number
}

/**
 * Sampling in a few steps: from each level σ jump down the trajectory, then add fresh noise up to the next level σ'.
 * `sigmas` is decreasing; one level is one step.
 *
 * - γ = 1 jumps to the end each time: multistep consistency sampling (Song et al. 2023, algorithm 1), x ← f(x, σ) +
 *   √(σ'² − sigma_min²)·z;
 * - γ = 0 jumps to σ' itself and adds nothing: deterministic, what flow maps are made for;
 * - between, the jump ends at s, (1 − γ) times σ' in the time of a variance-preserving process: strategic stochastic
 *   sampling (Zheng et al. 2024, TCD, algorithm 2; Kim et al. 2024, γ-sampling).
 *
 * A jump to s > sigma_min is x_s = D + (s/σ)(x − D), with D = f(x, σ, s). A jump to the end is what f returns for
 * s = sigma_min, the trajectory's point there: consistency functions return it as they are, flow maps through `flowMapEnds`.
 * (Students of `scd` and `sct` end at 0 instead. What γ = 1 lacks of noise then is 0.1 % at σ' = 0.2, and less above.)
 *
 * @param noise unit Gaussian of x's size for step i ≥ 1: an input, so that a seed always gives the same picture.
 */
export const multistep = async (
  f: DenoiseFunction,
  x: Float32Array,
  sigmas: readonly number[],
  { sigma_min }: Pick<NoiseRange, 'sigma_min'>,
  noise: (step: number) => Float32Array,
  { onStep, gamma = 1 }: MultistepOptions = {},
): Promise<Float32Array> => {
  for (const [i, sigma] of sigmas.entries()) {
    const next = sigmas[i + 1]
    const s = next === undefined || gamma === 1 ? sigma_min : Math.max(sigma_min, levelBelow(next, gamma))
    const D = await f(x, sigma, s)
    await onStep?.(i, x, D)
    if (next === undefined) return D
    const rest = s === sigma_min ? 0 : s / sigma
    const scale = Math.sqrt(Math.max(0, next ** 2 - s ** 2))
    const z = gamma > 0 ? noise(i + 1) : undefined
    const from = x
    x = D.map((value, k) => value + rest * (from[k]! - value) + (z ? scale * z[k]! : 0))
  }
  throw new RangeError('multistep: no noise levels')
}

/**
 * A flow map as `multistep` takes it. Its D is what a DDIM step must be told to land at s, and only where that step is taken
 * is it a point of the trajectory: the end is D + (sigma_min/σ)(x − D), and not D, which lies noise of sigma_min away.
 */
export const flowMapEnds =
  (denoise: DenoiseFunction, { sigma_min }: Pick<NoiseRange, 'sigma_min'>): DenoiseFunction =>
  async (x, sigma, s = sigma_min) => {
    const D = await denoise(x, sigma, s)
    return s === sigma_min ? D.map((value, k) => value + (s / sigma) * (x[k]! - value)) : D
  }

const levelBelow = (sigma: number, gamma: number): number =>
  gamma === 0 ? sigma : vpSigma((1 - gamma) * vpTime(sigma))

/**
 * Noise levels for `steps` steps where none have been searched for: sigma_max, then levels spaced evenly in the
 * logarithm down to where pictures take their shape, the multiple `lowest` of sigma_data (Geng et al. 2024 use 0.821
 * after 80 for two steps on sigma_data 0.5).
 */
export const multistepSigmas = (
  steps: number,
  { sigma_max, sigma_data }: NoiseRange,
  lowest = 1.6,
): number[] => {
  const end = Math.min(lowest * sigma_data, sigma_max)
  return Array.from({ length: steps }, (_, i) =>
    i === 0 ? sigma_max : sigma_max * (end / sigma_max) ** (i / (steps - 1)),
  )
}

/**
 * Noise levels as latent consistency models take them (Luo et al. 2023; diffusers' LCMScheduler): every so many of the N
 * levels that the steps of `lcm`'s grid begin at, from the top.
 */
export const lcmSigmas = (steps: number, range: NoiseRange, N = 50): number[] => {
  if (!Number.isInteger(steps) || steps < 1 || steps > N)
    throw new RangeError(`a grid of ${N} levels has room for 1 to ${N} steps, not ${steps}`)
  return Array.from({ length: steps }, (_, i) =>
    noiseLevel('ddim', Math.floor((i * N) / steps), N + 1, range),
  )
}
