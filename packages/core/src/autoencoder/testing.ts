/** For tests only (not exported from the package): a small autoencoder. */
import type { ConvolutionalConfig } from './index.js'

/** Factor 4: squares of 2 pixels at two levels. */
export const smallAutoencoder: ConvolutionalConfig = {
  type: 'convolutional',
  channels: 3,
  latent_channels: 2,
  patch_size: 2,
  levels: [
    { width: 4, encoder: 1, decoder: 1 },
    { width: 6, encoder: 1, decoder: 2 },
  ],
  latents_mean: [0.5, -1],
  latents_std: [2, 0.25],
}
