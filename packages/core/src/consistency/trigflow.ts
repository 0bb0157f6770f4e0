/** TrigFlow (Lu & Song 2024): x_t = cos t·x₀ + sin t·z with z ~ N(0, σd²), t = atan(σ/σd), and D = cos t·x − sin t·σd·F. */
import type { Condition, Denoiser } from '../diffusion/index.js'
import { jvp, type Tensor } from '../tensor/index.js'

/** F(x/σd, t): x [B, …], t [B, 1, …]. */
export type TrigFlow = (x: Tensor, t: Tensor) => Tensor

/** A denoiser's D(x; σ) as TrigFlow's F. */
export const trigFlow = (denoiser: Denoiser, condition: Condition): TrigFlow => {
  const { sigma_data } = denoiser.range
  return (x, t) => {
    const [cos, sin] = [t.cos(), t.sin()]
    const sigma = sin.div(cos).mul(sigma_data).reshape([t.size])
    const D = denoiser.denoise(x.div(cos), sigma, condition)
    return cos.mul(x).sub(D).div(sin.mul(sigma_data))
  }
}

/**
 * cos t·df/dt, stopped: −cos²t·(σd·F − dx/dt) − r·cos t·sin t·(x + σd·dF/dt), with r ∈ [0, 1] the warm-up. Zero, at
 * r = 1, for the exact consistency function and the ODE's own dx/dt.
 *
 * @returns also F, which is computed on the way.
 */
export const tangent = (
  F: TrigFlow,
  { x, t, dx_dt, r, sigma_data }: { x: Tensor; t: Tensor; dx_dt: Tensor; r: Tensor; sigma_data: number },
): { F_minus: Tensor; g: Tensor } => {
  const [cos, sin] = [t.cos(), t.sin()]
  const F_minus = F(x, t)
  // cos t·sin t is taken into the tangents: it keeps them small where the derivative by t is large (§4.1).
  const small = cos.mul(sin)
  const [dF] = jvp([F_minus], [x, t], [small.mul(dx_dt), small])
  const first = cos.square().mul(F_minus.mul(sigma_data).sub(dx_dt)).neg()
  const second = small.mul(x).add(dF!.mul(sigma_data))
  return { F_minus: F_minus.stopGradient(), g: first.sub(second.mul(r)).stopGradient() }
}
