import { type Condition, type Denoiser, perPicture } from '../diffusion/index.js'
import type { Tensor } from '../tensor/index.js'

/**
 * One step of the probability-flow ODE dx/dσ = (x − D(x; σ))/σ from noise level t down to r, in the graph.
 * x [B, …], t and r [B] with 0 < r < t. Euler's method (= DDIM) or Heun's (Karras et al. 2022, algorithm 1).
 */
export const odeStep = (
  denoiser: Denoiser,
  x: Tensor,
  t: Tensor,
  r: Tensor,
  condition: Condition,
  solver: 'euler' | 'heun',
): Tensor => {
  const h = perPicture(r.sub(t), x)
  const slope = (at: Tensor, sigma: Tensor) =>
    at.sub(denoiser.denoise(at, sigma, condition)).div(perPicture(sigma, at))
  const d = slope(x, t)
  const euler = x.add(d.mul(h))
  if (solver === 'euler') return euler
  return x.add(d.add(slope(euler, r)).mul(h.mul(0.5)))
}

/** A point of trajectories: x [B, …] at noise levels sigma [B]. */
export interface PathPoint {
  readonly x: Tensor
  readonly sigma: Tensor
}

export type PathSolver = 'euler' | 'heun' | 'dpmpp_2m'

/**
 * Noise levels of a way from t down to r in `steps` steps, of which the first ends at s: each is as long as that one on the
 * Karras schedule (Karras et al. 2022, eq. 5), but none goes below r, and the last ends there. t, s and r are [B], with
 * r ≤ s ≤ t.
 *
 * @returns steps + 1 levels, [B] each.
 * @throws RangeError unless `steps` is a positive integer.
 */
export const levelsOfWay = (t: Tensor, s: Tensor, r: Tensor, steps: number, rho = 7): Tensor[] => {
  if (!Number.isInteger(steps) || steps < 1)
    throw new RangeError(`substeps must be a positive integer, not ${steps}`)
  const [top, first, bottom] = [t.pow(1 / rho), s.pow(1 / rho), r.pow(1 / rho)]
  const between = Array.from({ length: steps - 1 }, (_, i) =>
    top
      .sub(top.sub(first).mul(i + 1))
      .maximum(bottom)
      .pow(rho),
  )
  return [t, ...between, r]
}

/**
 * The whole way from x at the first of the levels [B] down to the last: its points, x itself first. `dpmpp_2m` is
 * DPM-Solver++(2M) (Lu et al. 2022, algorithm 2), second order from one evaluation a step, after a first step of Euler's.
 */
export const odePath = (
  denoiser: Denoiser,
  x: Tensor,
  levels: readonly Tensor[],
  condition: Condition,
  solver: PathSolver,
): PathPoint[] => {
  const path: PathPoint[] = [{ x, sigma: levels[0]! }]
  const second = solver === 'dpmpp_2m' ? secondOrder() : undefined
  for (const next of levels.slice(1)) {
    const { x, sigma } = path.at(-1)!
    const there = second
      ? second(x, denoiser.denoise(x, sigma, condition), sigma, next)
      : odeStep(denoiser, x, sigma, next, condition, solver === 'heun' ? 'heun' : 'euler')
    path.push({ x: there, sigma: next })
  }
  return path
}

/** Steps of DPM-Solver++(2M), which remember the last one; λ = −ln σ. */
const secondOrder = () => {
  let last: { denoised: Tensor; h: Tensor } | undefined
  return (x: Tensor, denoised: Tensor, sigma: Tensor, next: Tensor): Tensor => {
    // Where a way has no length to speak of, neither has h: then the first order has to do.
    const h = sigma.log().sub(next.log()).maximum(1e-6)
    const D = last
      ? denoised.add(denoised.sub(last.denoised).mul(perPicture(h.div(last.h).mul(0.5), x)))
      : denoised
    last = { denoised, h }
    const kept = perPicture(next.div(sigma), x)
    return x.mul(kept).add(D.mul(kept.neg().add(1)))
  }
}
