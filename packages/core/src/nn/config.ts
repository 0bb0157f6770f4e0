import { z } from 'zod'

const positive = z.int().positive()

/** What the pictures are conditioned on. */
export const conditionConfig = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('class'), vocabulary: positive, tokens: z.literal(1) }),
  z.strictObject({ kind: z.literal('text'), vocabulary: positive, tokens: positive }),
])

const embeddingConfig = z.strictObject({
  /** Width of the vector that modulates every block. */
  width: positive,
  /** Width of the word vectors. */
  token_width: positive,
  condition: conditionConfig,
  /** Whether the network takes a guidance scale as input. */
  guidance_embedding: z.boolean(),
})

/** A hierarchical transformer; see `hourglass`. */
export const hourglassConfig = z.strictObject({
  type: z.literal('hourglass'),
  resolution: positive,
  channels: positive,
  /** Side of the square of pixels that is one token at the finest level. */
  patch_size: positive,
  /** From fine to coarse. `depth` counts the blocks on each side of the hourglass, or at its waist. */
  levels: z
    .array(
      z.strictObject({
        width: positive,
        depth: z.int().nonnegative(),
        heads: positive,
        /** Side of the attention window in tokens; at the waist attention is global. */
        window: positive,
      }),
    )
    .min(1),
  /** Width of the hidden layer of a block's MLP, as a multiple of the block's. */
  mlp_ratio: z.number().positive(),
  embedding: embeddingConfig,
})

/** A convolutional U-Net on patches; see `unet`. */
export const unetConfig = z.strictObject({
  type: z.literal('unet'),
  resolution: positive,
  channels: positive,
  patch_size: positive,
  /** From fine to coarse. `attention` gives the heads of the attention after each residual block, 0 for none. */
  levels: z
    .array(z.strictObject({ width: positive, depth: positive, attention: z.int().nonnegative() }))
    .min(1),
  groups: positive,
  embedding: embeddingConfig,
})

export const networkConfig = z.discriminatedUnion('type', [hourglassConfig, unetConfig])

export type NetworkConfig = z.infer<typeof networkConfig>
export type HourglassConfig = z.infer<typeof hourglassConfig>
export type UnetConfig = z.infer<typeof unetConfig>
export type ConditionConfig = z.infer<typeof conditionConfig>
