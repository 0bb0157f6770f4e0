/**
 * An autoencoder of convolutions alone, so that it takes pictures of any size whose sides are multiples of its factor. Most of
 * the work is done at the coarse levels: squares of pixels become channels at the door (`spaceToDepth`), and channels become
 * squares of pixels at the end, where one more convolution looks across their borders. Nothing is normalised over a picture, so
 * what comes out at one place does not depend on pixels far away, and large pictures can be decoded in tiles.
 */
import { conv, depthToSpace, type Scope, spaceToDepth } from '../nn/index.js'
import type { Tensor } from '../tensor/index.js'
import type { ConvolutionalConfig } from './config.js'

/** Channels at the pixels' own scale, from which the last convolution makes the picture. */
const DETAIL = 4

/** Pictures [B, channels, H, W] → latents [B, latent_channels, H/factor, W/factor], not normalised. */
export const encoder = (
  scope: Scope,
  pictures: Tensor,
  { patch_size, levels, latent_channels }: ConvolutionalConfig,
): Tensor => {
  let x = conv(scope.at('input'), spaceToDepth(pictures, patch_size), levels[0]!.width)
  for (const [i, level] of levels.entries()) {
    const here = scope.at(i)
    if (i > 0) x = conv(here.at('merge'), spaceToDepth(x, 2), level.width, { kernel: 1 })
    for (let block = 0; block < level.encoder; block++) x = residual(here.at(block), x)
  }
  return conv(scope.at('output'), x.silu(), latent_channels, { kernel: 1 })
}

/** Latents [B, latent_channels, h, w] → pictures [B, channels, h·factor, w·factor]. */
export const decoder = (
  scope: Scope,
  latents: Tensor,
  { patch_size, levels, channels }: ConvolutionalConfig,
): Tensor => {
  let x = conv(scope.at('input'), latents, levels.at(-1)!.width)
  for (const [i, level] of [...levels.entries()].reverse()) {
    const here = scope.at(i)
    for (let block = 0; block < level.decoder; block++) x = residual(here.at(block), x)
    if (i > 0) x = depthToSpace(conv(here.at('split'), x, 4 * levels[i - 1]!.width, { kernel: 1 }), 2)
  }
  const detail = conv(scope.at('output'), x.silu(), DETAIL * patch_size ** 2)
  return conv(scope.at('detail'), depthToSpace(detail, patch_size), channels)
}

/** x + conv(silu(conv(silu(x)))), which begins as x. */
const residual = (scope: Scope, x: Tensor): Tensor => {
  const width = x.shape[1]!
  const inner = conv(scope.at('0'), x.silu(), width)
  return x.add(conv(scope.at('1'), inner.silu(), width, { init: 'zeros' }))
}
