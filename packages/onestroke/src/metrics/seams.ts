import type { PictureShape } from '@onestroke/core/picture'
import { countOf } from './count-of.js'

/**
 * Seams of pictures [count, C, H, W] that were painted in squares: mean squared difference of neighbouring pixels across
 * the borders of squares of s × s, over that of neighbours inside one, for s = 2, 4, 8, … up to half the shorter side.
 * Squares begin in the corner. Pictures without a grid have about 1 for every s.
 *
 * @returns by s; NaN where nothing differs inside. Empty for pictures narrower than 4 pixels.
 * @throws RangeError if there are no pictures, or parts of one.
 */
export const seams = (pictures: Float32Array, shape: PictureShape): Record<string, number> => {
  const { channels, height, width } = shape
  const planes = countOf(pictures, shape) * channels
  // Sums of squared differences between column x − 1 and column x, and between row y − 1 and row y.
  const columns = new Float64Array(width)
  const rows = new Float64Array(height)
  for (let plane = 0; plane < planes; plane++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const at = (plane * height + y) * width + x
        if (x > 0) columns[x]! += (pictures[at]! - pictures[at - 1]!) ** 2
        if (y > 0) rows[y]! += (pictures[at]! - pictures[at - width]!) ** 2
      }
  const found: Record<string, number> = {}
  for (let side = 2; 2 * side <= Math.min(height, width); side *= 2) {
    const border = { sum: 0, count: 0 }
    const inside = { sum: 0, count: 0 }
    const add = (sums: Float64Array, across: number) => {
      for (let i = 1; i < sums.length; i++) {
        const part = i % side === 0 ? border : inside
        part.sum += sums[i]!
        part.count += across
      }
    }
    add(columns, height)
    add(rows, width)
    found[side] = border.sum / border.count / (inside.sum / inside.count)
  }
  return found
}

/**
 * The worst seam of painted pictures: the greatest, over the sides of squares, of their ratio over the real pictures'.
 *
 * @returns null where there is none to compare.
 */
export const worstSeam = (
  painted: Readonly<Record<string, number>>,
  real: Readonly<Record<string, number>>,
): number | null => {
  const ratios = Object.entries(painted)
    .map(([side, ratio]) => ratio / (real[side] ?? Number.NaN))
    .filter(Number.isFinite)
  return ratios.length > 0 ? Math.max(...ratios) : null
}
