import type { Part } from '../diffusion/index.js'
import { describeParameters, fourierFeatures, linear, type Scope } from '../nn/index.js'
import { input, type Tensor } from '../tensor/index.js'

/**
 * u(σ), the logarithm of how large the error at a noise level usually is, learned along with the network: a loss
 * error·e^−u + u is least at u = ln error, and then weighs every level alike (Karras et al. 2024, eq. 21, after Kendall
 * et al. 2018). Starts at 0. sigma: [B] → [B].
 */
export const logVariance = (scope: Scope, sigma: Tensor): Tensor =>
  linear(scope.at('log_variance'), fourierFeatures(sigma.log().mul(0.25), 16, 0.5, 16), 1, {
    bias: true,
    init: 'zeros',
  }).reshape([sigma.size])

/** The same as an objective's own part. */
export const logVariancePart = (): Part<(sigma: Tensor) => Tensor> => ({
  name: 'log_variance',
  layout: describeParameters((scope) => logVariance(scope, input('sigma', [1]))),
  of: (scope) => (sigma) => logVariance(scope, sigma),
})
