import { type Condition, type Denoiser, perPicture } from '../diffusion/index.js'
import type { Tensor } from '../tensor/index.js'

/**
 * One step of the probability-flow ODE dx/dσ = (x − D(x; σ))/σ from noise level t down to r, in the graph.
 * x [B, C, H, W], t and r [B] with 0 < r < t. Euler's method (= DDIM) or Heun's (Karras et al. 2022, algorithm 1).
 */
export const odeStep = (
  denoiser: Denoiser,
  x: Tensor,
  t: Tensor,
  r: Tensor,
  condition: Condition,
  solver: 'euler' | 'heun',
): Tensor => {
  const h = perPicture(r.sub(t))
  const slope = (at: Tensor, sigma: Tensor) =>
    at.sub(denoiser.denoise(at, sigma, condition)).div(perPicture(sigma))
  const d = slope(x, t)
  const euler = x.add(d.mul(h))
  if (solver === 'euler') return euler
  return x.add(d.add(slope(euler, r)).mul(h.mul(0.5)))
}

/**
 * The same in several steps, at levels between t and r that are spaced as in the Karras schedule (Karras et al. 2022,
 * eq. 5): a longer way down the trajectory, as exactly as it is needed.
 *
 * @throws RangeError unless `substeps` is a positive integer.
 */
export const odeSteps = (
  denoiser: Denoiser,
  x: Tensor,
  t: Tensor,
  r: Tensor,
  condition: Condition,
  { solver, substeps }: { readonly solver: 'euler' | 'heun'; readonly substeps: number },
  rho = 7,
): Tensor => {
  if (!Number.isInteger(substeps) || substeps < 1)
    throw new RangeError(`substeps must be a positive integer, not ${substeps}`)
  const [top, bottom] = [t.pow(1 / rho), r.pow(1 / rho)]
  let from = t
  for (let i = 1; i <= substeps; i++) {
    const to = i === substeps ? r : top.add(bottom.sub(top).mul(i / substeps)).pow(rho)
    x = odeStep(denoiser, x, from, to, condition, solver)
    from = to
  }
  return x
}
