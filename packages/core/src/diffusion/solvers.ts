/**
 * Solvers of the probability-flow ODE dx/dσ = (x − D(x; σ))/σ (Karras et al. 2022, eq. 1 with σ(t) = t), from pure
 * noise to a picture. Each is a loop over a decreasing list of noise levels; none knows what network is behind D.
 */

/**
 * A batch of pictures, flat, and the denoiser as the sampling runtime offers it: x at σ → x̂₀. Flow maps are also told
 * the noise level s that they jump to.
 */
export type DenoiseFunction = (x: Float32Array, sigma: number, s?: number) => Promise<Float32Array>

export interface SolverOptions {
  /** Called after each step with the state and the denoised pictures: for previews and filmstrips. */
  onStep?(step: number, x: Float32Array, denoised: Float32Array): void
}
export type Solver = (
  denoise: DenoiseFunction,
  x: Float32Array,
  sigmas: readonly number[],
  options?: SolverOptions,
) => Promise<Float32Array>

/** a·x + b·y */
const mix = (a: number, x: Float32Array, b: number, y: Float32Array): Float32Array => {
  const out = new Float32Array(x.length)
  for (let i = 0; i < out.length; i++) out[i] = a * x[i]! + b * y[i]!
  return out
}

/** Euler's method, which in this space is DDIM with η = 0 (Song et al. 2020). One evaluation a step. */
export const euler: Solver = async (denoise, x, sigmas, { onStep } = {}) => {
  for (let i = 0; i + 1 < sigmas.length; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!]
    const denoised = await denoise(x, sigma)
    x = mix(next / sigma, x, 1 - next / sigma, denoised)
    onStep?.(i, x, denoised)
  }
  return x
}

/** Heun's second-order method (Karras et al. 2022, algorithm 1). Two evaluations a step, one in the last. */
export const heun: Solver = async (denoise, x, sigmas, { onStep } = {}) => {
  for (let i = 0; i + 1 < sigmas.length; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!]
    const denoised = await denoise(x, sigma)
    const predicted = mix(next / sigma, x, 1 - next / sigma, denoised)
    if (next > 0) {
      const d = mix(1 / sigma, x, -1 / sigma, denoised)
      const d_next = mix(1 / next, predicted, -1 / next, await denoise(predicted, next))
      x = mix(1, x, (next - sigma) / 2, mix(1, d, 1, d_next))
    } else x = predicted
    onStep?.(i, x, denoised)
  }
  return x
}

/** DPM-Solver++(2M) (Lu et al. 2022, algorithm 2): second order from one evaluation a step. */
export const dpmpp_2m: Solver = async (denoise, x, sigmas, { onStep } = {}) => {
  const lambda = (sigma: number) => -Math.log(sigma)
  let previous: Float32Array | undefined
  for (let i = 0; i + 1 < sigmas.length; i++) {
    const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!]
    const denoised = await denoise(x, sigma)
    let D = denoised
    if (previous && next > 0) {
      const [h, last] = [lambda(next) - lambda(sigma), lambda(sigma) - lambda(sigmas[i - 1]!)]
      // Levels that are all the same, as of an edit that changes nothing, leave no second order to speak of.
      const k = last > 1e-6 ? h / (2 * last) : 0
      D = mix(1 + k, denoised, -k, previous)
    }
    x = mix(next / sigma, x, 1 - next / sigma, D)
    previous = denoised
    onStep?.(i, x, denoised)
  }
  return x
}

export const SOLVERS = { ddim: euler, heun, dpmpp_2m } as const
export type SolverName = keyof typeof SOLVERS

/** What people call them. */
export const SOLVER_LABELS: Readonly<Record<SolverName, string>> = {
  ddim: 'DDIM',
  heun: 'Heun',
  dpmpp_2m: 'DPM-Solver++',
}

/** Network evaluations that a solver makes in `steps` steps. */
export const evaluations = (solver: SolverName, steps: number): number =>
  solver === 'heun' ? 2 * steps - 1 : steps
