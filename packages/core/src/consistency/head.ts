import type { Part } from '../diffusion/index.js'
import { describeParameters, linear, rmsNorm, type Scope } from '../nn/index.js'
import { input, type Tensor } from '../tensor/index.js'

/** Tells real pictures from painted ones by what a diffusion model makes of them. */
export interface Head {
  /** Tokens [B, T, D] of noised pictures -> [B, T], above 0 where they look real. It begins undecided. */
  judge(tokens: Tensor): Tensor
}

export const adversarialHead = (width: number): Part<Head> => {
  const of = (scope: Scope): Head => ({
    judge(tokens) {
      const one = linear(scope.at(0), rmsNorm(tokens), width, { bias: true }).silu()
      const two = linear(scope.at(1), rmsNorm(one), width, { bias: true }).silu()
      const logit = linear(scope.at(2), two, 1, { bias: true, init: 'zeros' })
      return logit.reshape(tokens.shape.slice(0, 2))
    },
  })
  return {
    name: 'head',
    layout: describeParameters((scope) => of(scope).judge(input('tokens', [1, 4, width]))),
    of,
  }
}
