/** For tests only (not exported from the package): a small autoencoder of each kind, all of factor 4. */
import type { AutoencoderConfig } from './index.js'

type Small = { readonly [Type in AutoencoderConfig['type']]: Extract<AutoencoderConfig, { type: Type }> }

export const SMALL: Small = {
  convolutional: {
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
  },
  tiny: {
    type: 'tiny',
    channels: 3,
    latent_channels: 2,
    encoder_width: 6,
    decoder_width: 8,
    levels: [
      { encoder: 0, decoder: 1 },
      { encoder: 1, decoder: 0 },
      { encoder: 1, decoder: 1 },
    ],
    act_fn: 'relu',
    latents_mean: [0.5, -1],
    latents_std: [2, 0.25],
  },
  kl: {
    type: 'kl',
    channels: 3,
    latent_channels: 2,
    block_out_channels: [4, 4, 8],
    layers_per_block: 1,
    norm_num_groups: 2,
    act_fn: 'silu',
    use_quant_conv: true,
    use_post_quant_conv: true,
    mid_block_add_attention: true,
    latents_mean: [0.5, -1],
    latents_std: [2, 0.25],
  },
}

/** Whose decoders see all of the latents at each place. */
export const GLOBAL: readonly AutoencoderConfig['type'][] = ['kl']
