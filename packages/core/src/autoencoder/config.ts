import { z } from 'zod'
import { ACTIVATION_NAMES } from './activations.js'

/** Far above any autoencoder that could be run here: a config beyond it is damaged, or meant to do harm. */
const upTo = (most: number) => z.int().positive().max(most)
const blocks = z.int().nonnegative().max(64)
const width = upTo(4096)
const channels = upTo(4)
const latent_channels = upTo(256)
const act_fn = z.enum(ACTIVATION_NAMES)
const latents_mean = z.array(z.number()).min(1).max(256)
const latents_std = z.array(z.number().positive()).min(1).max(256)

/**
 * The mean colour of what each point stands for, as near as a linear map of its numbers tells: for each channel of pictures
 * [latent_channels + 1], the last of which is added.
 */
const preview = z.array(z.array(z.number()).min(2).max(257)).min(1).max(4).optional()

/** Residual blocks of convolutions at a few scales; see `convolutional`. */
const convolutionalConfig = z.strictObject({
  type: z.literal('convolutional'),
  /** Channels of pictures. */
  channels,
  /** Channels of latents. */
  latent_channels,
  /** Side of the square of pixels that is one position at the finest level. */
  patch_size: upTo(64),
  /** From fine to coarse, each half as large as the one before. `encoder` and `decoder` count the residual blocks there. */
  levels: z
    .array(z.strictObject({ width, encoder: blocks, decoder: blocks }))
    .min(1)
    .max(8),
  /** Mean and standard deviation of each channel of the latents, over the pictures that it learned from. */
  latents_mean,
  latents_std,
  preview,
})

/** diffusers' AutoencoderTiny; see `tiny`. */
export const tinyConfig = z.strictObject({
  type: z.literal('tiny'),
  channels,
  latent_channels,
  /** Channels of all layers of a half. */
  encoder_width: width,
  decoder_width: width,
  /** From fine to coarse. `encoder` and `decoder` count the residual blocks there. */
  levels: z
    .array(z.strictObject({ encoder: blocks, decoder: blocks }))
    .min(1)
    .max(8),
  act_fn,
  latents_mean,
  latents_std,
  preview,
})

/** diffusers' AutoencoderKL, with its names; see `kl`. */
export const klConfig = z
  .strictObject({
    type: z.literal('kl'),
    channels,
    latent_channels,
    /** Channels at each scale, from fine to coarse. */
    block_out_channels: z.array(width).min(1).max(8),
    /** Residual blocks at each scale of the encoder; the decoder has one more. */
    layers_per_block: blocks,
    norm_num_groups: width,
    act_fn,
    use_quant_conv: z.boolean(),
    use_post_quant_conv: z.boolean(),
    mid_block_add_attention: z.boolean(),
    latents_mean,
    latents_std,
    preview,
  })
  .refine(
    ({ block_out_channels, norm_num_groups }) =>
      block_out_channels.every((width) => width % norm_num_groups === 0),
    { error: 'expected a number that divides all of block_out_channels', path: ['norm_num_groups'] },
  )

/** An autoencoder's config, as its `config.json` holds it. */
export const autoencoderConfig = z.discriminatedUnion('type', [convolutionalConfig, tinyConfig, klConfig])

export type AutoencoderConfig = z.infer<typeof autoencoderConfig>
export type ConvolutionalConfig = Extract<AutoencoderConfig, { type: 'convolutional' }>
export type TinyConfig = Extract<AutoencoderConfig, { type: 'tiny' }>
export type KlConfig = Extract<AutoencoderConfig, { type: 'kl' }>
