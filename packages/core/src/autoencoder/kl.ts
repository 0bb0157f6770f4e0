/**
 * diffusers' AutoencoderKL (`autoencoder_kl.py`, `vae.py`; Rombach et al. 2022): residual blocks with group norm at a few scales, and
 * attention over the whole picture at the coarsest. Parameters are called as in its files, but that `quant_conv` and
 * `post_quant_conv` belong to the half that they are part of. The latents are the mean of its posterior; the other half of what the
 * encoder makes, the posterior's deviation, is not used.
 */
import { attention, conv, linear, type Scope, scaledGroupNorm, upsampleNearest } from '../nn/index.js'
import { dims, type Tensor } from '../tensor/index.js'
import { ACTIVATIONS } from './activations.js'
import type { KlConfig } from './config.js'

const EPS = 1e-6

/** Pictures [B, channels, H, W] in [-1, 1] → latents [B, latent_channels, H/factor, W/factor]. */
export const encoder = (scope: Scope, pictures: Tensor, config: KlConfig): Tensor => {
  const { block_out_channels: widths, layers_per_block, latent_channels } = config
  let x = conv(scope.at('conv_in'), pictures, widths[0]!)
  for (const [i, width] of widths.entries()) {
    const here = scope.at('down_blocks').at(i)
    for (let j = 0; j < layers_per_block; j++) x = residual(here.at('resnets').at(j), x, width, config)
    if (i < widths.length - 1)
      x = conv(here.at('downsamplers').at(0).at('conv'), x, width, { stride: 2, pads: [0, 0, 1, 1] })
  }
  x = middle(scope.at('mid_block'), x, config)
  const both = 2 * latent_channels
  let posterior = conv(scope.at('conv_out'), normalized(scope.at('conv_norm_out'), x, config).silu(), both)
  if (config.use_quant_conv) posterior = conv(scope.at('quant_conv'), posterior, both, { kernel: 1 })
  const [mean] = posterior.split([latent_channels, latent_channels], 1)
  return mean!
}

/** Latents [B, latent_channels, h, w] → pictures [B, channels, h·factor, w·factor]. */
export const decoder = (scope: Scope, latents: Tensor, config: KlConfig): Tensor => {
  const { block_out_channels: widths, layers_per_block, latent_channels, channels } = config
  const z = config.use_post_quant_conv
    ? conv(scope.at('post_quant_conv'), latents, latent_channels, { kernel: 1 })
    : latents
  let x = middle(scope.at('mid_block'), conv(scope.at('conv_in'), z, widths.at(-1)!), config)
  for (const [i, width] of [...widths].reverse().entries()) {
    const here = scope.at('up_blocks').at(i)
    for (let j = 0; j <= layers_per_block; j++) x = residual(here.at('resnets').at(j), x, width, config)
    if (i < widths.length - 1) x = conv(here.at('upsamplers').at(0).at('conv'), upsampleNearest(x), width)
  }
  return conv(scope.at('conv_out'), normalized(scope.at('conv_norm_out'), x, config).silu(), channels)
}

const normalized = (scope: Scope, x: Tensor, { norm_num_groups }: KlConfig): Tensor =>
  scaledGroupNorm(scope, x, norm_num_groups, EPS)

/** Two convolutions, each behind norm and activation, beside x itself, which a third brings to the width. */
const residual = (scope: Scope, x: Tensor, width: number, config: KlConfig): Tensor => {
  const act = ACTIVATIONS[config.act_fn]
  const first = conv(scope.at('conv1'), act(normalized(scope.at('norm1'), x, config)), width)
  const second = conv(scope.at('conv2'), act(normalized(scope.at('norm2'), first, config)), width)
  const skip = x.shape[1] === width ? x : conv(scope.at('conv_shortcut'), x, width, { kernel: 1 })
  return skip.add(second)
}

/** What is done at the coarsest scale: a residual block, attention if there is any, another block. */
const middle = (scope: Scope, x: Tensor, config: KlConfig): Tensor => {
  const width = x.shape[1]!
  const first = residual(scope.at('resnets').at(0), x, width, config)
  const mixed = config.mid_block_add_attention ? attend(scope.at('attentions').at(0), first, config) : first
  return residual(scope.at('resnets').at(1), mixed, width, config)
}

/** Attention of every position to every other, with one head. */
const attend = (scope: Scope, x: Tensor, config: KlConfig): Tensor => {
  const [n, width, h, w] = dims(x, 4, 'attend')
  const rows = normalized(scope.at('group_norm'), x, config)
    .reshape([n, width, h * w])
    .swapLast()
  const map = (at: Scope, rows: Tensor) => linear(at, rows, width, { bias: true, outputFirst: true })
  const mixed = attention(
    map(scope.at('to_q'), rows),
    map(scope.at('to_k'), rows),
    map(scope.at('to_v'), rows),
    1,
  )
  return x.add(map(scope.at('to_out').at(0), mixed).swapLast().reshape(x.shape))
}
