/**
 * How judges see large pictures: at 128 pixels along the longer side at most, in squares of 4×4 pixels, which makes a network for
 * them as quick as one for 32×32. Smaller pictures are seen as they are.
 */
import { spaceToDepth } from '@onestroke/core/nn'
import { type PictureShape, type PictureSize, pixelsOf, sizeOf } from '@onestroke/core/picture'
import { constant, dims, type Tensor } from '@onestroke/core/tensor'
import { spansOf } from '../data/index.js'

/** Pictures whose longer side has more pixels than this are large. */
const LARGEST_AS_IT_IS = 64
/** The longer side of a large picture's view, at most. */
const LONGEST = 128
const SQUARE = 4

export const isLarge = ({ height, width }: PictureSize): boolean => Math.max(height, width) > LARGEST_AS_IT_IS

/** The size at which pictures are seen: both sides of a large picture's view are multiples of 4. */
export const viewOf = (size: PictureSize): PictureSize => {
  if (!isLarge(size)) return { height: size.height, width: size.width }
  const scale = Math.min(1, LONGEST / Math.max(size.height, size.width))
  const side = (pixels: number) => SQUARE * Math.max(2, Math.round((pixels * scale) / SQUARE))
  return { height: side(size.height), width: side(size.width) }
}

/** Pictures x [B, C, H, W] as a network sees them: [B, C, H, W], or of large ones [B, 16·C, h/4, w/4]. */
export const seen = (x: Tensor): Tensor => {
  const [, , height, width] = dims(x, 4, 'seen')
  if (!isLarge({ height, width })) return x
  const view = viewOf({ height, width })
  const along = (from: number, to: number) => constant(areaWeights(from, to), [from, to])
  const narrow = view.width === width ? x : x.matmul(along(width, view.width))
  const small =
    view.height === height ? narrow : narrow.swapLast().matmul(along(height, view.height)).swapLast()
  return spaceToDepth(small, SQUARE)
}

/** The view of pictures [count, …shape] as numbers: [count, channels, h, w]. It is the array itself where they are seen as they are. */
export const viewed = (pictures: Float32Array, shape: PictureShape): Float32Array => {
  const view = viewOf(shape)
  if (view.height === shape.height && view.width === shape.width) return pictures
  const [rows, columns] = [partsOf(shape.height, view.height), partsOf(shape.width, view.width)]
  const [from, to] = [pixelsOf(shape), pixelsOf(view)]
  const planes = (pictures.length / sizeOf(shape)) * shape.channels
  const out = new Float32Array(planes * to)
  for (let plane = 0; plane < planes; plane++)
    for (const [y, tall] of rows.entries())
      for (const [x, wide] of columns.entries()) {
        let sum = 0
        for (const [row, high] of tall)
          for (const [column, broad] of wide)
            sum += high * broad * pictures[plane * from + row * shape.width + column]!
        out[plane * to + y * view.width + x] = sum
      }
  return out
}

/** For each of `to` equal parts of a line of `from` pixels: the pixels in it, with shares that sum up to 1. */
const partsOf = (from: number, to: number): [at: number, share: number][][] =>
  spansOf(from, 0, from, to).map((span) => span.map(([at, share]) => [at, (share * to) / from]))

/** The same as a matrix [from, to]. */
const areaWeights = (from: number, to: number): Float32Array => {
  const weights = new Float32Array(from * to)
  for (const [i, parts] of partsOf(from, to).entries())
    for (const [at, share] of parts) weights[at * to + i] = share
  return weights
}
