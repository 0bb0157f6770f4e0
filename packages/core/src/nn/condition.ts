/**
 * What the picture should be and how noisy it is, as vectors: the embedding that modulates every block, and the
 * tokens that attention may look at.
 */
import { dims, type Tensor } from '../tensor/index.js'
import type { NetworkConfig } from './config.js'
import { fourierFeatures, linear, rmsNorm } from './layers.js'
import type { Scope } from './scope.js'

/** Inputs of a denoiser network. B pictures at a time. */
export interface NetworkInputs {
  /** Noisy pictures, scaled to unit variance: [B, C, H, W]. */
  readonly x: Tensor
  /** Noise level: ¼ ln σ, [B] (EDM's c_noise). */
  readonly c_noise: Tensor
  /** Tokens of the condition as weighted bags over the vocabulary, [B, tokens, vocabulary]; see `Tokenizer`. */
  readonly condition?: Tensor
  /** Guidance scale w, [B] (1 means none): only for networks with `guidance_embedding`. */
  readonly guidance_scale?: Tensor
  /** What guidance leads away from, as `condition`: only for networks with `guidance_embedding` and a condition. */
  readonly negative?: Tensor
  /** Where a flow map jumps to, 2/π·atan(s/sigma_data), [B] in [0, 1]: only for networks with `jump_embedding`. */
  readonly c_jump?: Tensor
  /** Is shown the network's waist, where it knows most about the picture as a whole: [B, tokens, width]. */
  readonly tap?: (waist: Tensor) => void
}

export interface Conditioning {
  /** [B, width] */
  readonly embedding: Tensor
  /** [B, tokens, token width], or nothing to look at. */
  readonly tokens?: Tensor
}

/** Embeds noise levels, condition and guidance scale, and adds them up: embedding [B, width]. */
export const embedCondition = (scope: Scope, inputs: NetworkInputs, config: NetworkConfig): Conditioning => {
  const { width, token_width, condition } = config.embedding
  const noise = mlp(scope.at('noise'), fourierFeatures(inputs.c_noise, 16, 0.5, 16), width)
  const terms = [noise]
  // 0 without guidance, and 1 at the far end.
  const guidance = config.embedding.guidance_embedding
    ? inputs.guidance_scale!.reciprocal().neg().add(1)
    : undefined
  if (guidance) terms.push(mlp(scope.at('guidance'), fourierFeatures(guidance, 8, 0.5, 8), width, 'zeros'))
  let tokens: Tensor | undefined
  if (condition.kind !== 'none') {
    const [b, t, vocabulary] = dims(inputs.condition!, 3, 'condition')
    const table = scope.at('tokens').parameter('weight', [vocabulary, token_width], { std: 1 })
    const wordsOf = (bags: Tensor) =>
      bags
        .reshape([b * t, vocabulary])
        .matmul(table)
        .reshape([b, t, token_width])
    const words = wordsOf(inputs.condition!)
    terms.push(mlp(scope.at('condition'), rmsNorm(words.sum([1])), width))
    if (condition.kind === 'text')
      tokens = words.add(scope.at('tokens').parameter('position', [t, token_width], { std: 0.5 }))
    if (guidance) {
      const away = rmsNorm(wordsOf(inputs.negative!).sum([1])).mul(guidance.reshape([b, 1]))
      terms.push(mlp(scope.at('negative'), away, width, 'zeros'))
    }
  }
  // Starts without effect, as guidance does: as if every jump were short.
  if (config.embedding.jump_embedding)
    terms.push(mlp(scope.at('jump'), fourierFeatures(inputs.c_jump!, 8, 0.5, 8), width, 'zeros'))
  const embedding = terms.reduce((sum, term) => sum.add(term)).silu()
  return tokens ? { embedding, tokens } : { embedding }
}

const mlp = (scope: Scope, x: Tensor, width: number, last?: 'zeros'): Tensor =>
  linear(scope.at('1'), linear(scope.at('0'), x, width, { bias: true }).silu(), width, {
    bias: true,
    ...(last ? { init: last } : {}),
  })
