/**
 * A hierarchical transformer in the shape of an hourglass (Nawrot et al. 2021; Crowson et al. 2024): fine tokens near
 * the pixels are processed in small windows, merged four to one, processed globally at the waist together with the
 * words, and split again. Blocks are modulated by one shared projection of the embedding plus a learned table each
 * (adaLN-single, Chen et al. 2023). What tokens read beyond their squares is a matter of `mixing`; see `MIXINGS`.
 *
 * Tokens lie in rows: [B, height, width, D]. Any grid will do that can be merged: its sides are multiples of 2 to the number
 * of merges.
 */
import { isSameSize, type PictureSize, square } from '../picture/index.js'
import { constant, dims, type Tensor } from '../tensor/index.js'
import { type Conditioning, embedCondition, type NetworkInputs, type Tap } from './condition.js'
import type { HourglassConfig } from './config.js'
import { checkGrid } from './grid.js'
import { depthToSpace, linear, rmsNorm } from './layers.js'
import { MIXINGS, type Mixing } from './mixing.js'
import type { Scope } from './scope.js'

/**
 * F(x, c_noise, condition): [B, C, H, W] → [B, C, H, W].
 *
 * @throws RangeError if pictures do not divide into patches, or these into merges.
 */
export const hourglass = (
  scope: Scope,
  inputs: NetworkInputs,
  config: HourglassConfig,
  tap?: Tap,
): Tensor => {
  const { levels, patch_size } = config
  const mixing = MIXINGS[config.mixing]
  checkGrid(config)
  const conditioning = embedCondition(scope.at('embedding'), inputs, config)
  const waist = levels.length - 1
  const skips: Tensor[] = []

  let x = linear(scope.at('input'), toPatches(inputs.x, patch_size), levels[0]!.width)
  x = x.add(mixing.position(scope, gridOf(x), levels[0]!.width))
  for (const [i, level] of levels.entries()) {
    const here = scope.at('levels').at(i)
    const modulation = modulate(here.at('modulation'), conditioning.embedding, level.width)
    const grid = gridOf(x)
    const window = i === waist ? grid : windowIn(grid, level.window)
    const tokens = i === waist ? conditioning.tokens : undefined
    const block = { ...level, window, offset: NONE, mixing, mlp_ratio: config.mlp_ratio }
    for (let n = 0; n < level.depth; n++)
      x = transformerBlock(here.at('down').at(n), x, modulation, tokens, block)
    if (i === waist) break
    skips.push(x)
    const { width } = levels[i + 1]!
    x = linear(here.at('merge'), merge(x), width)
    x = x.add(mixing.position(scope.at('levels').at(i + 1), gridOf(x), width))
  }
  tap?.(x.reshape([x.shape[0]!, -1, x.shape[3]!]))
  for (let i = waist - 1; i >= 0; i--) {
    const level = levels[i]!
    const here = scope.at('levels').at(i)
    const modulation = modulate(here.at('modulation'), conditioning.embedding, level.width)
    x = skips[i]!.add(unmerge(linear(here.at('split'), rmsNorm(x), 4 * level.width)))
    const window = windowIn(gridOf(x), level.window)
    const block = { ...level, window, offset: mixing.offset(window), mixing, mlp_ratio: config.mlp_ratio }
    for (let n = 0; n < level.depth; n++)
      x = transformerBlock(here.at('up').at(n), x, modulation, undefined, block)
  }
  return toPictures(scope.at('output'), rmsNorm(x), config)
}

/** A network with half of the blocks of another. */
export interface Half<Config> {
  readonly network: Config
  /** The parameter of the whole network that a parameter of the half begins as. */
  from(name: string): string
}

/**
 * Every second block: as wide, and half as deep (Sanh et al. 2019, section 3, for language; Kim et al. 2023, section 3.1, for
 * diffusion). Block i of the half begins as block 2i.
 */
export const halfHourglass = (config: HourglassConfig): Half<HourglassConfig> => ({
  network: {
    ...config,
    levels: config.levels.map((level) => ({ ...level, depth: Math.ceil(level.depth / 2) })),
  },
  from: (name) =>
    name.replace(/^(levels\.\d+\.(?:down|up))\.(\d+)\./, (_, side, block) => `${side}.${2 * Number(block)}.`),
})

/** Sides of the grid that tokens [B, h, w, D] lie in. */
const gridOf = (x: Tensor): PictureSize => ({ height: x.shape[1]!, width: x.shape[2]! })

const NONE = square(0)

/** Windows that fill a grid: of `window` tokens a side, or the most below that by which the grid's side divides. */
const windowIn = (grid: PictureSize, window: number): PictureSize => ({
  height: divisor(grid.height, window),
  width: divisor(grid.width, window),
})

/** The greatest divisor of a side that is at most so much. */
const divisor = (side: number, most: number): number => {
  let found = Math.min(side, most)
  while (side % found !== 0) found--
  return found
}

/** Scale and shift for the two halves of a block, shared by the blocks of a level: [B, 1, 1, 4·width]. */
const modulate = (scope: Scope, embedding: Tensor, width: number): Tensor => {
  const [b] = dims(embedding, 2, 'modulate')
  return linear(scope, embedding, 4 * width, { init: 'zeros' }).reshape([b, 1, 1, 4 * width])
}

interface BlockOptions {
  readonly heads: number
  /** Sides of the attention window, in tokens. */
  readonly window: PictureSize
  /** How far the windows lie from the upper left corner. */
  readonly offset: PictureSize
  readonly mixing: Mixing
  readonly mlp_ratio: number
}

/** Attention, then an MLP, each on a normalised and modulated copy and added to the stream x [B, h, w, D]. */
const transformerBlock = (
  scope: Scope,
  x: Tensor,
  modulation: Tensor,
  tokens: Conditioning['tokens'],
  { heads, window, offset, mixing, mlp_ratio }: BlockOptions,
): Tensor => {
  const width = x.shape[3]!
  const table = scope.parameter('modulation', [4 * width], 'zeros')
  const [scale1, shift1, scale2, shift2] = modulation.add(table).split([width, width, width, width], -1)
  const modulated = (y: Tensor, scale: Tensor, shift: Tensor) =>
    mixing.opened(rmsNorm(y).mul(scale.add(1)).add(shift))
  const qkv = linear(scope.at('qkv'), modulated(x, scale1!, shift1!), 3 * width)
  const words = tokens && linear(scope.at('words'), tokens, 2 * width)
  const mixed = windowAttention(qkv, words, { heads, window, offset })
  const y = x.add(linear(scope.at('out'), mixed, width, { init: 'zeros' }))

  const hidden = linear(scope.at('mlp').at(0), modulated(y, scale2!, shift2!), Math.round(mlp_ratio * width))
  return y.add(linear(scope.at('mlp').at(1), hidden.reluSquared(), width, { init: 'zeros' }))
}

/**
 * Multi-head attention (Vaswani et al. 2017) among the tokens of each window; the tokens of every window also look at the
 * words. Where windows begin at an offset, the grid is rolled by it, and tokens that only the roll has brought together do
 * not see each other (Liu et al. 2021, section 3.2). qkv: [B, h, w, 3·D]; words: keys and values, [B, tokens, 2·D].
 *
 * @returns [B, h, w, D]
 */
const windowAttention = (
  qkv: Tensor,
  words: Tensor | undefined,
  { heads, window, offset }: Pick<BlockOptions, 'heads' | 'window' | 'offset'>,
): Tensor => {
  const [b, h, w, channels] = dims(qkv, 4, 'windowAttention')
  const width = channels / 3
  const { height: tall, width: wide } = window
  const [down, across, size, head] = [h / tall, w / wide, tall * wide, width / heads]
  // Along an axis that one window fills, there is nothing to roll.
  const by = { height: tall < h ? offset.height : 0, width: wide < w ? offset.width : 0 }
  const rolled = !isSameSize(by, NONE)
  const toHeads = (y: Tensor): Tensor =>
    y
      .reshape([b, down, tall, across, wide, heads, head])
      .transpose([0, 1, 3, 5, 2, 4, 6])
      .reshape([b * down * across, heads, size, head])
  const [q, k, v] = (rolled ? roll(qkv, by) : qkv).split([width, width, width], -1).map(toHeads)
  let keys = k!
  let values = v!
  if (words) {
    const count = words.shape[1]!
    const [kt, vt] = words
      .split([width, width], -1)
      .map((y) => y.reshape([b, count, heads, head]).transpose([0, 2, 1, 3]))
    keys = keys.concat([kt!], 2)
    values = values.concat([vt!], 2)
  }
  let scores = q!.matmul(keys.swapLast()).mul(1 / Math.sqrt(head))
  if (rolled)
    scores = scores
      .reshape([b, down * across, heads, size, size])
      .add(apart({ height: h, width: w }, window, by))
      .reshape([b * down * across, heads, size, size])
  const mixed = scores
    .softmax()
    .matmul(values)
    .reshape([b, down, across, heads, tall, wide, head])
    .transpose([0, 1, 4, 2, 5, 3, 6])
    .reshape([b, h, w, width])
  return rolled ? roll(mixed, { height: h - by.height, width: w - by.width }) : mixed
}

/**
 * Moves rows up and columns to the left by so many tokens; what leaves at one side comes in at the other. By a whole side or by
 * nothing, an axis stays as it is. [B, h, w, D]
 */
const roll = (x: Tensor, { height, width }: PictureSize): Tensor => rollAxis(rollAxis(x, 1, height), 2, width)

const rollAxis = (x: Tensor, axis: 1 | 2, by: number): Tensor => {
  const n = x.shape[axis]!
  if (by % n === 0) return x
  const [first, rest] = x.split([by, n - by], axis)
  return rest!.concat([first!], axis)
}

/** What keeps the tokens of a rolled grid's windows apart if the roll alone has brought them together: [windows, 1, T, T]. */
const apart = (grid: PictureSize, window: PictureSize, offset: PictureSize): Tensor => {
  const { height: tall, width: wide } = window
  const [down, across, size] = [grid.height / tall, grid.width / wide, tall * wide]
  const values = new Float32Array(down * across * size * size)
  const cameRound = (at: number, token: number): string => {
    const row = Math.floor(at / across) * tall + Math.floor(token / wide)
    const column = (at % across) * wide + (token % wide)
    return `${row >= grid.height - offset.height},${column >= grid.width - offset.width}`
  }
  for (let i = 0; i < values.length; i++) {
    const [at, query, key] = [Math.floor(i / size ** 2), Math.floor(i / size) % size, i % size]
    if (cameRound(at, query) !== cameRound(at, key)) values[i] = -1e4
  }
  return constant(values, [down * across, 1, size, size])
}

/** Pictures [B, C, H, W] → patches [B, H/p, W/p, C·p²]. */
const toPatches = (x: Tensor, p: number): Tensor => {
  const [b, c, h, w] = dims(x, 4, 'toPatches')
  return x
    .reshape([b, c, h / p, p, w / p, p])
    .transpose([0, 2, 4, 1, 3, 5])
    .reshape([b, h / p, w / p, c * p * p])
}

/** Tokens [B, h, w, D] → pictures [B, C, H, W]. */
const toPictures = (
  scope: Scope,
  x: Tensor,
  { patch_size: p, channels, mixing }: HourglassConfig,
): Tensor => {
  return depthToSpace(MIXINGS[mixing].patches(scope, x, channels * p * p), p)
}

/** Four tokens of a square become one: [B, h, w, D] → [B, h/2, w/2, 4·D]. */
const merge = (x: Tensor): Tensor => {
  const [b, h, w, d] = dims(x, 4, 'merge')
  return x
    .reshape([b, h / 2, 2, w / 2, 2, d])
    .transpose([0, 1, 3, 2, 4, 5])
    .reshape([b, h / 2, w / 2, 4 * d])
}

/** The inverse of `merge`. */
const unmerge = (x: Tensor): Tensor => {
  const [b, h, w, d] = dims(x, 4, 'unmerge')
  return x
    .reshape([b, h, w, 2, 2, d / 4])
    .transpose([0, 1, 3, 2, 4, 5])
    .reshape([b, 2 * h, 2 * w, d / 4])
}
