/** Small networks that use everything a network can have, and values for them. */

import {
  type HourglassConfig,
  type Layout,
  NETWORKS,
  type NetworkConfig,
  networkInputShapes,
} from '@onestroke/core/nn'
import type { PictureSize } from '@onestroke/core/picture'
import { Random } from '@onestroke/core/random'
import type { PromptShape } from '@onestroke/core/text'

export const CONDITIONS: Readonly<Record<PromptShape['kind'], PromptShape>> = {
  none: { kind: 'none' },
  class: { kind: 'class', vocabulary_size: 5, tokens: 1 },
  text: { kind: 'text', vocabulary_size: 19, tokens: 3 },
}

type Common = Pick<NetworkConfig, 'height' | 'width' | 'channels' | 'patch_size' | 'embedding'>

const hourglass = (common: Common, window: number, mixing: HourglassConfig['mixing']): HourglassConfig => ({
  ...common,
  type: 'hourglass',
  mixing,
  mlp_ratio: 2.5,
  levels: [
    { width: 16, depth: 1, heads: 2, window },
    { width: 24, depth: 2, heads: 3, window: 2 },
    { width: 32, depth: 2, heads: 2, window: 4 },
  ],
})

/** Networks of every type, and of an older form. */
const SMALL = {
  hourglass: (common, window) => hourglass(common, window, 'neighbours'),
  'hourglass of squares': (common, window) => hourglass(common, window, 'squares'),
  unet: (common) => ({
    ...common,
    type: 'unet',
    groups: 4,
    levels: [
      { width: 16, depth: 1, attention: 0 },
      { width: 24, depth: 2, attention: 2 },
    ],
  }),
} satisfies Record<
  NetworkConfig['type'] | 'hourglass of squares',
  (common: Common, window: number) => NetworkConfig
>

type SmallType = keyof typeof SMALL
export const TYPES = Object.keys(SMALL) as SmallType[]
export const NETWORK_TYPES = Object.keys(NETWORKS) as NetworkConfig['type'][]

/** A network of a type, for a condition, with or without a guidance scale as input. */
export const smallNetwork = (
  type: SmallType,
  condition: PromptShape,
  guidance_embedding: boolean,
  { window, ...size }: PictureSize & { readonly window: number } = { height: 16, width: 16, window: 4 },
): NetworkConfig => {
  const common = {
    ...size,
    channels: 3,
    patch_size: 2,
    embedding: {
      width: 24,
      token_width: 12,
      condition,
      guidance_embedding,
      jump_embedding: guidance_embedding,
    },
  }
  return SMALL[type](common, window)
}

export const generator = (index: number): Random => new Random({ seed: 11, stream: 0, step: 0, index })

/** Weights as they are drawn for training, but for zeros: those are drawn as well, so that nothing is without effect. */
export const weightsOf = (layout: Layout): Float32Array => {
  const flat = layout.initialize(3)
  for (const [index, { init, offset, size }] of layout.specs.entries()) {
    const random = generator(index)
    if (init === 'zeros') for (let i = offset; i < offset + size; i++) flat[i] = 0.1 * random.normal()
  }
  return flat
}

/** A batch for the diffusion loss: pictures, noise, noise levels, and what the network is conditioned on. */
export const batchOf = (network: NetworkConfig, batch: number): Record<string, Float32Array> => {
  const { x, ...conditions } = networkInputShapes(network, batch)
  const size = x!.reduce((a, b) => a * b, 1)
  const random = generator(-1)
  const draw = (count: number, one: () => number) => Float32Array.from({ length: count }, one)
  const { condition } = network.embedding
  const inputs: Record<string, Float32Array> = {
    x0: draw(size, () => 2 * random.uniform() - 1),
    noise: random.fillNormal(new Float32Array(size)),
    t: draw(batch, () => Math.exp(1.5 * random.normal() - 0.5)),
    r: new Float32Array(batch),
  }
  // Bags of words: most entries are 0, the others anything.
  for (const name of ['condition', 'negative'])
    if (condition.kind !== 'none' && name in conditions)
      inputs[name] = draw(batch * condition.tokens * condition.vocabulary_size, () =>
        random.uniform() < 0.7 ? 0 : random.uniform(),
      )
  if ('guidance_scale' in conditions) inputs.guidance_scale = draw(batch, () => 1 + 4 * random.uniform())
  if ('c_jump' in conditions) inputs.c_jump = draw(batch, () => random.uniform())
  return inputs
}

/** ‖a − b‖/‖b‖ */
export const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  if (a.length !== b.length) throw new RangeError(`${a.length} numbers against ${b.length}`)
  const norm = (values: number[]) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
  return norm(Array.from(a, (value, i) => value - b[i]!)) / norm(Array.from(b))
}
