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
