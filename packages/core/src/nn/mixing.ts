/**
 * What the tokens of an hourglass read beside themselves, by `mixing`.
 *
 * Windows and merges are fixed squares, whose borders would show as seams. So with `neighbours` every linear layer that opens
 * half of a block reads a half of its channels from the four tokens around (spatial shift, Yu et al. 2022), which costs no
 * arithmetic; windows lie half a window further on the way up (Liu et al. 2021); and a 3×3 convolution makes the picture. With
 * `squares` tokens meet inside of squares alone: networks made before seams were measured.
 */
import { type PictureSize, square } from '../picture/index.js'
import { joined, type Tensor } from '../tensor/index.js'
import type { HourglassConfig } from './config.js'
import { conv, linear } from './layers.js'
import type { Scope } from './scope.js'

/** All that an hourglass does in another way by another mixing. Tokens are [B, h, w, D]. */
export interface Mixing {
  /** Where each token of a grid is, learned: [h, w, width]. */
  position(scope: Scope, grid: PictureSize, width: number): Tensor
  /** How far windows lie from the upper left corner on the way up. */
  offset(window: PictureSize): PictureSize
  /** What the layer that opens half of a block is given of tokens: the same shape. */
  opened(tokens: Tensor): Tensor
  /** The patches that tokens become: [B, features, h, w]. */
  patches(scope: Scope, tokens: Tensor, features: number): Tensor
}

export const MIXINGS: { readonly [Name in HourglassConfig['mixing']]: Mixing } = {
  neighbours: {
    position: (scope, { height, width }, features) =>
      scope.parameter('position', [height, width, features], { std: 0.02 }),
    offset: ({ height, width }) => ({ height: height >> 1, width: width >> 1 }),
    opened: (tokens) => spatialShift(tokens),
    patches: (scope, tokens, features) => conv(scope, maps(tokens), features, { init: 'zeros' }),
  },
  squares: {
    position: (scope, grid, features) => zOrdered(scope, grid, features),
    offset: () => square(0),
    opened: (tokens) => tokens,
    patches: (scope, tokens, features) =>
      maps(linear(scope, tokens, features, { init: 'zeros', bias: true })),
  },
}

const maps = (tokens: Tensor): Tensor => tokens.transpose([0, 3, 1, 2])

/**
 * A table in Z-order (Morton 1966), within the largest squares with a power of two a side that fill the grid; these lie in rows.
 * [h, w, features]
 */
const zOrdered = (scope: Scope, { height: h, width: w }: PictureSize, features: number): Tensor => {
  const table = scope.parameter('position', [h * w, features], { std: 0.02 })
  let side = 1
  while (h % (2 * side) === 0 && w % (2 * side) === 0) side *= 2
  const digits = Math.log2(side)
  // The row and the column of a square, then those in it, digit by digit.
  const rows = Array.from({ length: 1 + digits }, (_, i) => 2 * i)
  const columns = rows.map((axis) => axis + 1)
  return table
    .reshape([h / side, w / side, ...Array<number>(2 * digits).fill(2), features])
    .transpose([...rows, ...columns, 2 * digits + 2])
    .reshape([h, w, features])
}

/** Channels of which a token reads those of one neighbour: an eighth from above, below, left and right each. */
const SHIFTED = 1 / 8

/** Spatial shift (Yu et al. 2022, section 3.2): some channels of each token are its neighbours'; 0 beyond the border. */
const spatialShift = (x: Tensor): Tensor => {
  const width = x.shape[3]!
  const n = Math.floor(SHIFTED * width)
  if (n === 0) return x
  const [a, b, c, d, own] = x.split([n, n, n, n, width - 4 * n], -1)
  return joined(
    [neighbour(a!, 1, 1), neighbour(b!, 1, -1), neighbour(c!, 2, 1), neighbour(d!, 2, -1), own!],
    -1,
  )
}

/** What the next token along an axis has, or the one before. */
const neighbour = (x: Tensor, axis: 1 | 2, by: 1 | -1): Tensor => {
  const n = x.shape[axis]!
  const one = x.shape.map((_, i) => Number(i === axis))
  const none = x.shape.map(() => 0)
  return by > 0 ? x.pad(none, one).split([1, n], axis)[1]! : x.pad(one, none).split([n, 1], axis)[0]!
}
