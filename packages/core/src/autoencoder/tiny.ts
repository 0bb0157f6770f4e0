/**
 * diffusers' AutoencoderTiny (`autoencoder_tiny.py`; TAESD by Bohan 2023): convolutions of one width in each half, between them residual
 * blocks that normalise nothing. Parameters are called as in its files. Its own numbers of a picture lie in [0, 1]: both halves
 * translate them.
 */
import { conv, type Scope, upsampleNearest } from '../nn/index.js'
import type { Tensor } from '../tensor/index.js'
import { ACTIVATIONS, type Activation } from './activations.js'
import type { TinyConfig } from './config.js'

/** Latents beyond it are bent towards it before they are decoded. It is not `latent_magnitude`, which no half of the network reads. */
const BOUND = 3

/** Pictures [B, channels, H, W] in [-1, 1] → latents [B, latent_channels, H/factor, W/factor]. */
export const encoder = (
  scope: Scope,
  pictures: Tensor,
  { encoder_width, levels, latent_channels, act_fn }: TinyConfig,
): Tensor => {
  const layer = inTurn(scope.at('layers'))
  let x = conv(layer(), pictures.add(1).mul(0.5), encoder_width)
  for (const [i, level] of levels.entries()) {
    if (i > 0) x = conv(layer(), x, encoder_width, { stride: 2, bias: false })
    for (let block = 0; block < level.encoder; block++) x = residual(layer(), x, act_fn)
  }
  return conv(layer(), x, latent_channels)
}

/** Latents [B, latent_channels, h, w] → pictures [B, channels, h·factor, w·factor]. */
export const decoder = (
  scope: Scope,
  latents: Tensor,
  { decoder_width, levels, channels, act_fn }: TinyConfig,
): Tensor => {
  const layer = inTurn(scope.at('layers'))
  let x = conv(
    layer(),
    latents
      .mul(1 / BOUND)
      .tanh()
      .mul(BOUND),
    decoder_width,
  )
  // The activation counts as a layer.
  layer()
  x = ACTIVATIONS[act_fn](x)
  for (const [i, level] of [...levels.entries()].reverse()) {
    for (let block = 0; block < level.decoder; block++) x = residual(layer(), x, act_fn)
    if (i === 0) break
    // So does the enlargement.
    layer()
    x = conv(layer(), upsampleNearest(x), decoder_width, { bias: false })
  }
  return conv(layer(), x, channels).mul(2).sub(1)
}

/** The numbered layers of a scope, one after the other. */
const inTurn = (scope: Scope) => {
  let next = 0
  return () => scope.at(next++)
}

/** relu(x + three convolutions of x), whatever the activation between them. */
const residual = (scope: Scope, x: Tensor, act_fn: Activation): Tensor => {
  const width = x.shape[1]!
  const act = ACTIVATIONS[act_fn]
  const first = conv(scope.at('conv').at(0), x, width)
  const second = conv(scope.at('conv').at(2), act(first), width)
  return conv(scope.at('conv').at(4), act(second), width).add(x).relu()
}
