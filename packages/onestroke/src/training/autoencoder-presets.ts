/** Autoencoders that are known to work, by their factor. */
import type { AutoencoderConfig, ConvolutionalConfig } from '@onestroke/core/autoencoder'
import { unmeasured } from './autoencoder-task.js'

/** Pixels along the side of the square that becomes one position of the latents. */
export const FACTORS = [8, 16, 32] as const
export type Factor = (typeof FACTORS)[number]

/** Levels for each factor, behind squares of four pixels. Most of the work is done at the last two. */
const LEVELS: Readonly<Record<Factor, ConvolutionalConfig['levels']>> = {
  8: [
    { width: 64, encoder: 1, decoder: 2 },
    { width: 128, encoder: 2, decoder: 3 },
  ],
  16: [
    { width: 64, encoder: 1, decoder: 1 },
    { width: 128, encoder: 1, decoder: 2 },
    { width: 192, encoder: 2, decoder: 3 },
  ],
  32: [
    { width: 64, encoder: 1, decoder: 1 },
    { width: 128, encoder: 1, decoder: 1 },
    { width: 192, encoder: 1, decoder: 2 },
    { width: 256, encoder: 2, decoder: 3 },
  ],
}
const PATCH_SIZE = 4

/** Channels of latents for each factor, if none are asked for: a quarter of the numbers for each doubling, times two. */
export const LATENT_CHANNELS: Readonly<Record<Factor, number>> = { 8: 4, 16: 8, 32: 16 }

/** An autoencoder for pictures of so many channels, whose latents are not measured yet. */
export const presetAutoencoder = (
  factor: Factor,
  channels: number,
  latent_channels = LATENT_CHANNELS[factor],
): AutoencoderConfig => ({
  type: 'convolutional',
  channels,
  latent_channels,
  patch_size: PATCH_SIZE,
  levels: LEVELS[factor],
  ...unmeasured(latent_channels),
})
