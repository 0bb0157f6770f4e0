/**
 * What the picture should be and how noisy it is, as vectors: the embedding that modulates every block, and the
 * tokens that attention may look at.
 */
import type { Tensor } from '../tensor/index.js'
import { type BagShape, isDense, negativeName } from '../text/index.js'
import type { NetworkConfig } from './config.js'
import { fourierFeatures, linear, rmsNorm } from './layers.js'
import type { Scope } from './scope.js'

/** Inputs of a denoiser network. B pictures at a time. */
export interface NetworkInputs {
  /** Noisy pictures, scaled to unit variance: [B, C, H, W]. */
  readonly x: Tensor
  /** What the network is told of the noise level, [B]: by its path, ¼ ln σ (EDM's c_noise), a timestep or a flow's time. */
  readonly c_noise: Tensor
  /** Guidance scale w, [B] (1 means none): only for networks with `guidance_embedding`. */
  readonly guidance_scale?: Tensor
  /** Where a flow map jumps to, 2/π·atan(s/sigma_data), [B] in [0, 1]: only for networks with `jump_embedding`. */
  readonly c_jump?: Tensor
  /**
   * The prompts, under the names of `promptInputs`; and, for networks with `guidance_embedding`, what guidance leads away
   * from, under their `negativeName`.
   */
  readonly [promptInput: string]: Tensor | undefined
}

/** Is shown the network's waist, where it knows most about the picture as a whole: [B, tokens, width]. */
export type Tap = (waist: Tensor) => void

export interface Conditioning {
  /** [B, width] */
  readonly embedding: Tensor
  /** [B, tokens, token width], or nothing to look at. */
  readonly tokens?: Tensor
}

/** Embeds noise levels, prompts and guidance scale, and adds them up: embedding [B, width]. */
export const embedCondition = (scope: Scope, inputs: NetworkInputs, config: NetworkConfig): Conditioning => {
  const { width } = config.embedding
  const noise = mlp(scope.at('noise'), fourierFeatures(inputs.c_noise, 16, 0.5, 16), width)
  const terms = [noise]
  // 0 without guidance, and 1 at the far end.
  const guidance = config.embedding.guidance_embedding
    ? inputs.guidance_scale!.reciprocal().neg().add(1)
    : undefined
  if (guidance) terms.push(mlp(scope.at('guidance'), fourierFeatures(guidance, 8, 0.5, 8), width, 'zeros'))
  const words = promptWords(scope.at('tokens'), config)
  let tokens: Tensor | undefined
  if (words) {
    const { of, placed } = words
    const named = of((name) => inputs[name]!)
    terms.push(mlp(scope.at('condition'), rmsNorm(named.sum([1])), width))
    tokens = placed?.(named)
    if (guidance) {
      const negative = of((name) => inputs[negativeName(name)]!)
      const away = rmsNorm(negative.sum([1])).mul(guidance.reshape([-1, 1]))
      terms.push(mlp(scope.at('negative'), away, width, 'zeros'))
    }
  }
  // Starts without effect, as guidance does: as if every jump were short.
  if (config.embedding.jump_embedding)
    terms.push(mlp(scope.at('jump'), fourierFeatures(inputs.c_jump!, 8, 0.5, 8), width, 'zeros'))
  const embedding = terms.reduce((sum, term) => sum.add(term)).silu()
  return tokens ? { embedding, tokens } : { embedding }
}

interface PromptWords {
  /** Word vectors [B, tokens, token_width] of a prompt, whose inputs `inputOf` gives by name. */
  of(inputOf: (name: string) => Tensor): Tensor
  /** What attention looks at: word vectors with their places. Absent if there is nothing to look at. */
  placed?(words: Tensor): Tensor
}

const promptWords = (
  scope: Scope,
  { embedding: { condition, token_width } }: NetworkConfig,
): PromptWords | undefined => {
  switch (condition.kind) {
    case 'none':
      return undefined
    case 'class':
      return { of: bagVectors(scope, condition, token_width) }
    case 'text': {
      const of = bagVectors(scope, condition, token_width)
      const placed = (words: Tensor) =>
        words.add(scope.parameter('position', [condition.tokens, token_width], { std: 0.5 }))
      return { of, placed }
    }
    default:
      return condition satisfies never
  }
}

/** Weighted sums of a table's rows, token by token: [B, tokens, width]. See `promptInputs`. */
const bagVectors = (scope: Scope, shape: BagShape, width: number): PromptWords['of'] => {
  const table = scope.parameter('weight', [shape.vocabulary_size, width], { std: 1 })
  if (!isDense(shape)) return (inputOf) => inputOf('entry_weights').matmul(table.gather(inputOf('entries')))
  return (inputOf) => {
    const bags = inputOf('condition')
    const [b, t, vocabulary_size] = bags.shape as [number, number, number]
    return bags
      .reshape([b * t, vocabulary_size])
      .matmul(table)
      .reshape([b, t, width])
  }
}

const mlp = (scope: Scope, x: Tensor, width: number, last?: 'zeros'): Tensor =>
  linear(scope.at('1'), linear(scope.at('0'), x, width, { bias: true }).silu(), width, {
    bias: true,
    ...(last ? { init: last } : {}),
  })
