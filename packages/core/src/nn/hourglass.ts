/**
 * A hierarchical transformer in the shape of an hourglass (Nawrot et al. 2021; Crowson et al. 2024): fine tokens near
 * the pixels are processed in small windows, merged four to one, processed globally at the waist together with the
 * words, and split again. Blocks are modulated by one shared projection of the embedding plus a learned table each
 * (adaLN-single, Chen et al. 2023).
 *
 * Tokens are kept in Z-order (Morton 1966): the four tokens of a 2×2 square follow each other, and so do those of
 * every larger aligned square. Merging, splitting and cutting into windows are then reshapes that cost nothing.
 */
import type { Tensor } from '../tensor/index.js'
import { type Conditioning, embedCondition, type NetworkInputs } from './condition.js'
import type { HourglassConfig } from './config.js'
import { attention, linear, rmsNorm } from './layers.js'
import type { Scope } from './scope.js'

/** F(x, c_noise, condition): [B, C, H, W] → [B, C, H, W]. */
export const hourglass = (scope: Scope, inputs: NetworkInputs, config: HourglassConfig): Tensor => {
  const { levels, patch_size, channels } = config
  const conditioning = embedCondition(scope.at('embedding'), inputs, config)
  const side = config.resolution / patch_size
  const waist = levels.length - 1
  const skips: Tensor[] = []

  let x = linear(scope.at('input'), toZOrder(inputs.x, patch_size), levels[0]!.width)
  const position = scope.parameter('position', [side * side, levels[0]!.width], { std: 0.02 })
  x = x.add(position)
  for (const [i, level] of levels.entries()) {
    const here = scope.at('levels').at(i)
    const modulation = modulate(here.at('modulation'), conditioning.embedding, level.width)
    const globally = i === waist
    const window = globally ? side >> i : level.window
    const tokens = globally ? conditioning.tokens : undefined
    for (let block = 0; block < level.depth; block++)
      x = transformerBlock(
        here.at('down').at(block),
        x,
        modulation,
        tokens,
        { ...level, window },
        config.mlp_ratio,
      )
    if (globally) break
    skips.push(x)
    const next = levels[i + 1]!.width
    x = linear(here.at('merge'), x.reshape([x.shape[0]!, x.shape[1]! / 4, 4 * level.width]), next)
    const count = x.shape[1]!
    x = x.add(
      scope
        .at('levels')
        .at(i + 1)
        .parameter('position', [count, next], { std: 0.02 }),
    )
  }
  inputs.tap?.(x)
  for (let i = waist - 1; i >= 0; i--) {
    const level = levels[i]!
    const here = scope.at('levels').at(i)
    const modulation = modulate(here.at('modulation'), conditioning.embedding, level.width)
    const finer = linear(here.at('split'), rmsNorm(x), 4 * level.width)
    x = skips[i]!.add(finer.reshape(skips[i]!.shape))
    for (let block = 0; block < level.depth; block++)
      x = transformerBlock(here.at('up').at(block), x, modulation, undefined, level, config.mlp_ratio)
  }
  const out = linear(scope.at('output'), rmsNorm(x), patch_size * patch_size * channels, {
    init: 'zeros',
    bias: true,
  })
  return fromZOrder(out, config)
}

/** Scale and shift for the two halves of a block, shared by the blocks of a level: [B, 1, 4·width]. */
const modulate = (scope: Scope, embedding: Tensor, width: number): Tensor => {
  const [b] = embedding.shape as [number]
  return linear(scope, embedding, 4 * width, { init: 'zeros' }).reshape([b, 1, 4 * width])
}

/** Attention, then an MLP, each on a normalised and modulated copy and added to the stream x [B, T, D]. */
const transformerBlock = (
  scope: Scope,
  x: Tensor,
  modulation: Tensor,
  tokens: Conditioning['tokens'],
  { heads, window }: { heads: number; window: number },
  mlpRatio: number,
): Tensor => {
  const [b, t, width] = x.shape as [number, number, number]
  const table = scope.parameter('modulation', [4 * width], 'zeros')
  const [scale1, shift1, scale2, shift2] = modulation.add(table).split([width, width, width, width], -1)
  const modulated = (y: Tensor, scale: Tensor, shift: Tensor) => rmsNorm(y).mul(scale.add(1)).add(shift)

  const rows = Math.min(window * window, t)
  const qkv = linear(scope.at('qkv'), modulated(x, scale1!, shift1!), 3 * width)
  let [q, k, v] = qkv.reshape([(b * t) / rows, rows, 3 * width]).split([width, width, width], -1) as [
    Tensor,
    Tensor,
    Tensor,
  ]
  if (tokens) {
    const [kt, vt] = linear(scope.at('words'), tokens, 2 * width).split([width, width], -1)
    k = k.concat([kt!], 1)
    v = v.concat([vt!], 1)
  }
  const mixed = attention(q, k, v, heads).reshape([b, t, width])
  const y = x.add(linear(scope.at('out'), mixed, width, { init: 'zeros' }))

  const hidden = linear(scope.at('mlp').at(0), modulated(y, scale2!, shift2!), Math.round(mlpRatio * width))
  return y.add(linear(scope.at('mlp').at(1), hidden.reluSquared(), width, { init: 'zeros' }))
}

/** Axis order that turns rows and columns, each written in binary digits, into Z-order, and the digits. */
const zOrder = (side: number) => {
  const digits = Math.log2(side)
  if (!Number.isInteger(digits))
    throw new RangeError(`the grid of tokens must have a power of two a side, not ${side}`)
  return digits
}

/** Pictures [B, C, H, W] → tokens [B, (H/p)², C·p²] in Z-order. */
const toZOrder = (x: Tensor, p: number): Tensor => {
  const [b, c, h, w] = x.shape as [number, number, number, number]
  const digits = zOrder(h / p)
  const twos = Array<number>(digits).fill(2)
  const row = (i: number) => 2 + i
  const column = (i: number) => 3 + digits + i
  const interleaved = twos.flatMap((_, i) => [row(i), column(i)])
  return x
    .reshape([b, c, ...twos, p, ...twos, p])
    .transpose([0, ...interleaved, 1, row(digits), column(digits)])
    .reshape([b, (h / p) * (w / p), c * p * p])
}

/** The inverse of `toZOrder`. */
const fromZOrder = (x: Tensor, { resolution, patch_size: p, channels: c }: HourglassConfig): Tensor => {
  const b = x.shape[0]!
  const digits = zOrder(resolution / p)
  const twos = Array<number>(digits).fill(2)
  const rows = twos.map((_, i) => 1 + 2 * i)
  const columns = twos.map((_, i) => 2 + 2 * i)
  const last = 1 + 2 * digits
  return x
    .reshape([b, ...twos, ...twos, c, p, p])
    .transpose([0, last, ...rows, last + 1, ...columns, last + 2])
    .reshape([b, c, resolution, resolution])
}
