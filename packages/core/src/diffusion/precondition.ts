/**
 * Preconditioning: the raw network F, whose inputs and outputs have unit variance, becomes the denoiser
 * D(x; σ) = c_skip(σ)·x + c_out(σ)·F(c_in(σ)·x; c_noise(σ)) on the variance-exploding path x = x₀ + σε.
 */
import { constant, type Tensor } from '../tensor/index.js'

export interface Preconditioning {
  readonly c_skip: Tensor
  readonly c_out: Tensor
  readonly c_in: Tensor
  readonly c_noise: Tensor
}

/** How a network's output is read: `edm` for diffusion models, `consistency` for students (identity at sigma_min). */
export type Parametrization = 'edm' | 'consistency'

/** Karras et al. 2022, table 1 (column "Ours"). sigma: [B], positive; all results are [B]. */
export const edmPreconditioning = (sigma: Tensor, sigma_data: number): Preconditioning => {
  const variance = sigma.square().add(sigma_data ** 2)
  return {
    c_skip: variance.reciprocal().mul(sigma_data ** 2),
    c_out: sigma.mul(sigma_data).mul(variance.pow(-0.5)),
    c_in: variance.pow(-0.5),
    c_noise: sigma.log().mul(0.25),
  }
}

/**
 * The same, with c_skip = 1 and c_out = 0 at σ = sigma_min, which makes the network a consistency function whatever
 * its weights: f(x, sigma_min) = x. Song et al. 2023, appendix C.
 */
export const consistencyPreconditioning = (
  sigma: Tensor,
  sigma_data: number,
  sigma_min: number,
): Preconditioning => {
  const above = sigma.sub(sigma_min)
  return {
    ...edmPreconditioning(sigma, sigma_data),
    // A division, so that it is 1 to the last bit where above = 0.
    c_skip: constant(sigma_data ** 2).div(above.square().add(sigma_data ** 2)),
    c_out: above.mul(sigma_data).mul(
      sigma
        .square()
        .add(sigma_data ** 2)
        .pow(-0.5),
    ),
  }
}
