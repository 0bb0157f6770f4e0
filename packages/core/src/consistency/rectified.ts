/** Rectified flow's variables, for pictures in units of σd: z = (1 − t)·x₀/σd + t·e, with t = σ/(σ + σd). */
import type { Condition, Denoiser } from '../diffusion/index.js'
import type { Tensor } from '../tensor/index.js'

/** t of noise levels: any shape. */
export const flowTime = (sigma: Tensor, sigma_data: number): Tensor => sigma.div(sigma.add(sigma_data))

/** u(z, r, t) = (z − D/σd)/t, with D that of a jump from t to r: the average velocity between them. z [B, …], r and t [B, 1, …]. */
export const averageVelocity = (
  denoiser: Denoiser,
  condition: Condition,
): ((z: Tensor, r: Tensor, t: Tensor) => Tensor) => {
  const { sigma_data } = denoiser.range
  const level = (time: Tensor) => time.div(time.neg().add(1)).mul(sigma_data).reshape([time.size])
  return (z, r, t) => {
    const x = z.div(t.neg().add(1)).mul(sigma_data)
    const D = denoiser.denoise(x, level(t), { ...condition, s: level(r) })
    return z.sub(D.div(sigma_data)).div(t)
  }
}
