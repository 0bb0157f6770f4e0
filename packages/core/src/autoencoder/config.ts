import { z } from 'zod'

/** Far above any autoencoder that could be run here: a config beyond it is damaged, or meant to do harm. */
const upTo = (most: number) => z.int().positive().max(most)
const blocks = z.int().nonnegative().max(64)
const perChannel = z.array(z.number()).min(1).max(256)

/**
 * The mean colour of what each point stands for, as near as a linear map of its numbers tells: for each channel of pictures
 * [latent_channels + 1], the last of which is added.
 */
const preview = z.array(z.array(z.number()).min(2).max(257)).min(1).max(4)

/** Residual blocks of convolutions at a few scales; see `convolutional`. */
const convolutionalConfig = z.strictObject({
  type: z.literal('convolutional'),
  /** Channels of pictures. */
  channels: upTo(4),
  /** Channels of latents. */
  latent_channels: upTo(256),
  /** Side of the square of pixels that is one position at the finest level. */
  patch_size: upTo(64),
  /** From fine to coarse, each half as large as the one before. `encoder` and `decoder` count the residual blocks there. */
  levels: z
    .array(z.strictObject({ width: upTo(4096), encoder: blocks, decoder: blocks }))
    .min(1)
    .max(8),
  /** Mean and standard deviation of each channel of the latents, over the pictures that it learned from. */
  latents_mean: perChannel,
  latents_std: z.array(z.number().positive()).min(1).max(256),
  preview: preview.optional(),
})

/** An autoencoder's config, as its `config.json` holds it. */
export const autoencoderConfig = z.discriminatedUnion('type', [convolutionalConfig])

export type AutoencoderConfig = z.infer<typeof autoencoderConfig>
export type ConvolutionalConfig = Extract<AutoencoderConfig, { type: 'convolutional' }>
