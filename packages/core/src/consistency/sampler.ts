import type { DenoiseFunction, NoiseRange, SolverOptions } from '../diffusion/index.js'

/**
 * Multistep consistency sampling (Song et al. 2023, algorithm 1): x ← f(x, σ), then fresh noise up to the next level,
 * x ← x + √(σ'² − sigma_min²)·z. `sigmas` is decreasing; one level is one step.
 *
 * @param noise unit Gaussian of x's size for step i ≥ 1: an input, so that a seed always gives the same picture.
 */
export const multistep = async (
  f: DenoiseFunction,
  x: Float32Array,
  sigmas: readonly number[],
  { sigma_min }: Pick<NoiseRange, 'sigma_min'>,
  noise: (step: number) => Float32Array,
  { onStep }: SolverOptions = {},
): Promise<Float32Array> => {
  let denoised = await f(x, sigmas[0]!)
  onStep?.(0, x, denoised)
  for (let i = 1; i < sigmas.length; i++) {
    const scale = Math.sqrt(Math.max(0, sigmas[i]! ** 2 - sigma_min ** 2))
    const z = noise(i)
    const noisy = denoised.map((value, k) => value + scale * z[k]!)
    denoised = await f(noisy, sigmas[i]!)
    onStep?.(i, noisy, denoised)
  }
  return denoised
}

/**
 * Noise levels for `steps` steps where none have been searched for: sigma_max, then levels spaced evenly in the
 * logarithm down to where pictures take their shape, the multiple `lowest` of sigma_data (Song et al. 2023 use 0.821
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
