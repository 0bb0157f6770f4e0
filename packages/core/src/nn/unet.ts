/**
 * A convolutional U-Net (Ho et al. 2020; Dhariwal & Nichol 2021) on patches of pixels: residual blocks whose second
 * normalisation is scaled and shifted by the embedding, attention at the coarse levels, in which pictures also look
 * at the words.
 */
import { dims, type Tensor } from '../tensor/index.js'
import { type Conditioning, embedCondition, type NetworkInputs, type Tap } from './condition.js'
import type { UnetConfig } from './config.js'
import { checkGrid } from './grid.js'
import { attention, conv, depthToSpace, groupNorm, linear, spaceToDepth, upsampleNearest } from './layers.js'
import type { Scope } from './scope.js'

/**
 * F(x, c_noise, condition): [B, C, H, W] → [B, C, H, W].
 *
 * @throws RangeError if pictures do not divide into patches, or these into merges.
 */
export const unet = (scope: Scope, inputs: NetworkInputs, config: UnetConfig, tap?: Tap): Tensor => {
  const { levels, patch_size, channels, groups } = config
  checkGrid(config)
  const conditioning = embedCondition(scope.at('embedding'), inputs, config)
  const stage = (at: Scope, x: Tensor, level: UnetConfig['levels'][number]) => {
    const y = residualBlock(at, x, conditioning.embedding, level.width, groups)
    return level.attention > 0 ? attend(at.at('attention'), y, conditioning, level.attention, groups) : y
  }
  let x = conv(scope.at('input'), spaceToDepth(inputs.x, patch_size), levels[0]!.width)
  const skips: Tensor[] = [x]
  for (const [i, level] of levels.entries()) {
    const here = scope.at('down').at(i)
    if (i > 0) {
      x = conv(here.at('merge'), spaceToDepth(x, 2), level.width, { kernel: 1 })
      skips.push(x)
    }
    for (let block = 0; block < level.depth; block++) {
      x = stage(here.at(block), x, level)
      skips.push(x)
    }
  }
  tap?.(x.reshape([x.shape[0]!, x.shape[1]!, -1]).swapLast())
  for (const [i, level] of [...levels.entries()].reverse()) {
    const here = scope.at('up').at(i)
    for (let block = 0; block <= level.depth; block++)
      x = stage(here.at(block), x.concat([skips.pop()!], 1), level)
    if (i > 0) x = conv(here.at('split'), upsampleNearest(x), levels[i - 1]!.width)
  }
  const out = conv(scope.at('output'), groupNorm(x, groups).silu(), channels * patch_size * patch_size, {
    init: 'zeros',
  })
  return depthToSpace(out, patch_size)
}

const residualBlock = (scope: Scope, x: Tensor, embedding: Tensor, width: number, groups: number): Tensor => {
  const [n, from] = dims(x, 4, 'residualBlock')
  const [scale, shift] = linear(scope.at('modulation'), embedding, 2 * width, { init: 'zeros' })
    .reshape([n, 2 * width, 1, 1])
    .split([width, width], 1)
  const first = conv(scope.at('0'), groupNorm(x, groups).silu(), width)
  const normal = groupNorm(first, groups).mul(scale!.add(1)).add(shift!)
  const second = conv(scope.at('1'), normal.silu(), width, { init: 'zeros' })
  return second.add(from === width ? x : conv(scope.at('skip'), x, width, { kernel: 1 }))
}

const attend = (scope: Scope, x: Tensor, { tokens }: Conditioning, heads: number, groups: number): Tensor => {
  const [n, width, h, w] = dims(x, 4, 'attend')
  const rows = groupNorm(x, groups)
    .reshape([n, width, h * w])
    .swapLast()
  let [q, k, v] = linear(scope.at('qkv'), rows, 3 * width).split([width, width, width], -1) as [
    Tensor,
    Tensor,
    Tensor,
  ]
  if (tokens) {
    const [kt, vt] = linear(scope.at('words'), tokens, 2 * width).split([width, width], -1)
    k = k.concat([kt!], 1)
    v = v.concat([vt!], 1)
  }
  const mixed = linear(scope.at('out'), attention(q, k, v, heads), width, { init: 'zeros' })
  return x.add(mixed.swapLast().reshape(x.shape))
}
