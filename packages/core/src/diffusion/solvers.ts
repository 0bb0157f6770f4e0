/**
 * Solvers of the probability-flow ODE dx/dσ = (x − D(x; σ))/σ (Karras et al. 2022, eq. 1 with σ(t) = t), from noise to a
 * picture: for arrays, which sampling has, and for tensors, in a training step's graph. Each is a loop over decreasing noise
 * levels; none knows what network is behind D.
 */
import type { Tensor } from '../tensor/index.js'
import type { Condition, Denoiser } from './denoiser.js'
import { perPicture } from './per-picture.js'

/**
 * A batch of pictures, flat, and the denoiser as the sampling runtime offers it: x at σ → x̂₀. Flow maps are also told
 * the noise level s that they jump to.
 */
export type DenoiseFunction = (x: Float32Array, sigma: number, s?: number) => Promise<Float32Array>

export interface SolverOptions {
  /** Called after each step with the state and the denoised pictures: for previews and filmstrips. Awaited. */
  onStep?(step: number, x: Float32Array, denoised: Float32Array): void | Promise<void>
}

/** From x at the first of the levels to the last, which may be 0. */
type Sampler = (
  denoise: DenoiseFunction,
  x: Float32Array,
  sigmas: readonly number[],
  options?: SolverOptions,
) => Promise<Float32Array>

/** A point of trajectories: x [B, …] at noise levels sigma [B]. */
export interface TrajectoryPoint {
  readonly x: Tensor
  readonly sigma: Tensor
}

/** From x [B, …] at the first of the levels [B] to the last, which is above 0: all points, x itself first. */
type TrajectorySolver = (
  denoiser: Denoiser,
  x: Tensor,
  levels: readonly Tensor[],
  condition: Condition,
) => TrajectoryPoint[]

export interface Solver {
  /** What people call it, and what other tools do. */
  readonly label: string
  readonly tool_name: string
  /** One line for `--help`. */
  readonly about: string
  /** Network evaluations in so many steps. */
  evaluations(steps: number): number
  readonly sample: Sampler
  readonly trajectory: TrajectorySolver
}

/** a·x + b·y */
const mix = (a: number, x: Float32Array, b: number, y: Float32Array): Float32Array => {
  const out = new Float32Array(x.length)
  for (let i = 0; i < out.length; i++) out[i] = a * x[i]! + b * y[i]!
  return out
}

/** One step in a graph, from sigma down to next: [B]. */
type Step = (denoiser: Denoiser, x: Tensor, sigma: Tensor, next: Tensor, condition: Condition) => Tensor

/** A trajectory of steps; `begin` is called once for each, for steps that remember the last one. */
const trajectoryOf =
  (begin: () => Step): TrajectorySolver =>
  (denoiser, x, levels, condition) => {
    const step = begin()
    const points: TrajectoryPoint[] = [{ x, sigma: levels[0]! }]
    for (const next of levels.slice(1)) {
      const { x, sigma } = points.at(-1)!
      points.push({ x: step(denoiser, x, sigma, next, condition), sigma: next })
    }
    return points
  }

/** dx/dσ at x [B, …] and sigma [B]. */
const slope = (denoiser: Denoiser, x: Tensor, sigma: Tensor, condition: Condition): Tensor =>
  x.sub(denoiser.denoise(x, sigma, condition)).div(perPicture(sigma, x))

/** Euler's method, which in this space is DDIM with η = 0 (Song et al. 2020). */
const ddim: Solver = {
  label: 'DDIM',
  tool_name: 'DDIM',
  about: 'Euler’s method: first order, one evaluation a step',
  evaluations: (steps) => steps,
  async sample(denoise, x, sigmas, { onStep } = {}) {
    for (let i = 0; i + 1 < sigmas.length; i++) {
      const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!]
      const denoised = await denoise(x, sigma)
      x = mix(next / sigma, x, 1 - next / sigma, denoised)
      await onStep?.(i, x, denoised)
    }
    return x
  },
  trajectory: trajectoryOf(() => (denoiser, x, sigma, next, condition) => {
    const h = perPicture(next.sub(sigma), x)
    return x.add(slope(denoiser, x, sigma, condition).mul(h))
  }),
}

/** Heun's method (Karras et al. 2022, algorithm 1). */
const heun: Solver = {
  label: 'Heun',
  tool_name: 'Heun',
  about: 'second order, two evaluations a step, one in the last',
  evaluations: (steps) => 2 * steps - 1,
  async sample(denoise, x, sigmas, { onStep } = {}) {
    for (let i = 0; i + 1 < sigmas.length; i++) {
      const [sigma, next] = [sigmas[i]!, sigmas[i + 1]!]
      const denoised = await denoise(x, sigma)
      const predicted = mix(next / sigma, x, 1 - next / sigma, denoised)
      if (next > 0) {
        const d = mix(1 / sigma, x, -1 / sigma, denoised)
        const d_next = mix(1 / next, predicted, -1 / next, await denoise(predicted, next))
        x = mix(1, x, (next - sigma) / 2, mix(1, d, 1, d_next))
      } else x = predicted
      await onStep?.(i, x, denoised)
    }
    return x
  },
  trajectory: trajectoryOf(() => (denoiser, x, sigma, next, condition) => {
    const h = perPicture(next.sub(sigma), x)
    const d = slope(denoiser, x, sigma, condition)
    const predicted = x.add(d.mul(h))
    return x.add(d.add(slope(denoiser, predicted, next, condition)).mul(h.mul(0.5)))
  }),
}

/** DPM-Solver++(2M) (Lu et al. 2022, algorithm 2), after a first step of DDIM; λ = −ln σ. */
const dpmpp_2m: Solver = {
  label: 'DPM-Solver++',
  tool_name: 'DPM++ 2M',
  about: 'second order, one evaluation a step, which remembers the last one',
  evaluations: (steps) => steps,
  async sample(denoise, x, sigmas, { onStep } = {}) {
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
      await onStep?.(i, x, denoised)
    }
    return x
  },
  trajectory: trajectoryOf(() => {
    let last: { denoised: Tensor; h: Tensor } | undefined
    return (denoiser, x, sigma, next, condition) => {
      const denoised = denoiser.denoise(x, sigma, condition)
      // Where levels are the same, h is next to nothing and not 0: what follows divides by it.
      const h = sigma.log().sub(next.log()).maximum(1e-6)
      const D = last
        ? denoised.add(denoised.sub(last.denoised).mul(perPicture(h.div(last.h).mul(0.5), x)))
        : denoised
      last = { denoised, h }
      const kept = perPicture(next.div(sigma), x)
      return x.mul(kept).add(D.mul(kept.neg().add(1)))
    }
  }),
}

export type SolverName = 'ddim' | 'heun' | 'dpmpp_2m'
export const SOLVERS: Readonly<Record<SolverName, Solver>> = { ddim, heun, dpmpp_2m }
export const SOLVER_NAMES = Object.keys(SOLVERS) as readonly SolverName[]

/** How models are sampled: students by `multistep`, diffusion models by one of the solvers. */
export type SamplerName = 'consistency' | SolverName
export const SAMPLER_NAMES: readonly SamplerName[] = ['consistency', ...SOLVER_NAMES]

/** One step from noise level t down to r, [B] with 0 < r ≤ t, of trajectories x [B, …]. */
export const odeStep = (
  denoiser: Denoiser,
  x: Tensor,
  t: Tensor,
  r: Tensor,
  condition: Condition,
  solver: SolverName,
): Tensor => SOLVERS[solver].trajectory(denoiser, x, [t, r], condition)[1]!.x
