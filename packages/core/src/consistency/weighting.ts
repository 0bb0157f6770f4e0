import { describeParameters, fourierFeatures, type Layout, linear, type Scope } from '../nn/index.js'
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

/** Its parameters, which are trained but are not part of the model. */
export const weightingLayout = (): Layout =>
  describeParameters((scope) => logVariance(scope, input('sigma', [1])))
