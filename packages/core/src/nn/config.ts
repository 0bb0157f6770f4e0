import { z } from 'zod'
import { fromStored, toStored } from './stored.js'

/** Far above any network that could be run here: a config beyond it is damaged, or meant to do harm. */
const upTo = (most: number) => z.int().positive().max(most)
const width = upTo(16_384)
const side = upTo(4096)
const vocabulary = upTo(10_000_000)
const depth = z.int().max(256)
const heads = 1024
const LEVELS = 12

/** The prompts that a network takes, as a config file tells them. */
const conditionConfig = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('class'), vocabulary, tokens: z.literal(1) }),
  z.strictObject({ kind: z.literal('text'), vocabulary, tokens: upTo(4096) }),
])

const embeddingConfig = z.strictObject({
  /** Width of the vector that modulates every block. */
  width,
  /** Width of the word vectors. */
  token_width: width,
  condition: conditionConfig,
  /** Whether the network takes a guidance scale as input. */
  guidance_embedding: z.boolean(),
  /** Whether the network takes a second noise level, the one it jumps to: a flow map. */
  jump_embedding: z.boolean().default(false),
})

/** How a config file tells the size of pictures: the side of a square, or [height, width]. */
const resolution = z.union(
  [side, z.tuple([side, side])],
  'expected the side of a square, from 1 to 4096, or [height, width]',
)

/** A hierarchical transformer; see `hourglass`. */
const hourglassConfig = z.strictObject({
  type: z.literal('hourglass'),
  resolution,
  channels: upTo(64),
  /** Side of the square of pixels that is one token at the finest level. */
  patch_size: side,
  /** From fine to coarse. `depth` counts the blocks on each side of the hourglass, or at its waist. */
  levels: z
    .array(
      z.strictObject({
        width,
        depth: depth.nonnegative(),
        heads: upTo(heads),
        /** Side of the attention window in tokens, at most: see `hourglass`. At the waist attention is global. */
        window: side,
      }),
    )
    .min(1)
    .max(LEVELS),
  /** What tokens read beside themselves: their neighbours, or, in older networks, only the square that they lie in. */
  mixing: z.enum(['squares', 'neighbours']).default('squares'),
  /** Width of the hidden layer of a block's MLP, as a multiple of the block's. */
  mlp_ratio: z.number().positive().max(64),
  embedding: embeddingConfig,
})

/** A convolutional U-Net on patches; see `unet`. */
const unetConfig = z.strictObject({
  type: z.literal('unet'),
  resolution,
  channels: upTo(64),
  patch_size: side,
  /** From fine to coarse. `attention` gives the heads of the attention after each residual block, 0 for none. */
  levels: z
    .array(z.strictObject({ width, depth: depth.positive(), attention: z.int().nonnegative().max(heads) }))
    .min(1)
    .max(LEVELS),
  groups: width,
  embedding: embeddingConfig,
})

/** A network's config, as a file holds it, to its form in memory: a picture's shape and the rest. */
export const networkConfig = z.discriminatedUnion('type', [
  hourglassConfig.transform(fromStored),
  unetConfig.transform(fromStored),
])

export type NetworkConfig = z.infer<typeof networkConfig>
export type HourglassConfig = Extract<NetworkConfig, { type: 'hourglass' }>
export type UnetConfig = Extract<NetworkConfig, { type: 'unet' }>

export type StoredNetwork = z.input<typeof networkConfig>

/** The inverse of `networkConfig`: a network's config as files hold it. */
export const storedNetwork = ({ type, channels, ...config }: NetworkConfig): StoredNetwork => {
  const { resolution, ...rest } = toStored(config)
  return { type, resolution, channels, ...rest } as StoredNetwork
}
