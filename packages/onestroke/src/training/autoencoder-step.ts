/** The training step of an autoencoder as one program: parameters and crops in, loss and gradient out. */
import {
  type AutoencoderConfig,
  autoencoderLayout,
  decodedFrom,
  latentShape,
  rawLatents,
  reconstructionError,
} from '@onestroke/core/autoencoder'
import { flatScope } from '@onestroke/core/nn'
import { square } from '@onestroke/core/picture'
import { grad, type Program, trace } from '@onestroke/core/tensor'

/** Deviation of the noise that is added to latents, so that near-by latents come to mean near-by pictures. */
const NOISE = 0.05
/** Weight of ½ mean z², which keeps latents z from growing out of that noise. */
const PRIOR = 1e-3

/**
 * The loss is the error of what comes back of the latents z with a little noise, and PRIOR · ½ mean z²: that of a variational
 * autoencoder whose deviation is not learned (Kingma & Welling 2014, eq. 10; Ghosh et al. 2020).
 *
 * Inputs: `parameters` [P]; `x0` [B, channels, side, side], crops in [-1, 1]; `noise` of the latents' shape; `weight` [B], how much
 * each crop counts, and `total_weight` [1], what all of them count, those of other processes included. Outputs: `loss` [], `losses`
 * [B], `gradient` [P].
 */
export const autoencoderStep = (config: AutoencoderConfig, batch: number, side: number): Program => {
  const layout = autoencoderLayout(config)
  const latents = latentShape(config, square(side))
  return trace(
    {
      parameters: [layout.size],
      x0: [batch, config.channels, side, side],
      noise: [batch, latents.channels, latents.height, latents.width],
      weight: [batch],
      total_weight: [1],
    },
    ({ parameters, x0, noise, weight, total_weight }) => {
      const scope = flatScope(layout, parameters)
      const z = rawLatents(scope, x0, config)
      const back = decodedFrom(scope, z.add(noise.mul(NOISE)), config)
      const prior = z.square().mean([1, 2, 3])
      const losses = reconstructionError(back, x0).add(prior.mul(PRIOR / 2))
      const loss = losses.mul(weight).sum().div(total_weight.reshape([]))
      const [gradient] = grad(loss, [parameters])
      return { loss, losses, gradient: gradient! }
    },
  )
}
