import type { PictureShape } from '@onestroke/core/picture'
import { countOf } from './count-of.js'

/**
 * Mean squared Laplacian of pictures [count, C, H, W]: (4·centre − the four neighbours)², over all pixels that have
 * four. Blur lowers it before anything else; noise raises it.
 *
 * @returns ≥ 0; NaN where no pixel has four neighbours.
 * @throws RangeError if there are no pictures, or parts of one.
 */
export const edgeEnergy = (pictures: Float32Array, shape: PictureShape): number => {
  const { channels, height, width } = shape
  const planes = countOf(pictures, shape) * channels
  let sum = 0
  for (let plane = 0; plane < planes; plane++)
    for (let y = 1; y < height - 1; y++)
      for (let x = 1; x < width - 1; x++) {
        const at = (plane * height + y) * width + x
        const neighbours =
          pictures[at - 1]! + pictures[at + 1]! + pictures[at - width]! + pictures[at + width]!
        sum += (4 * pictures[at]! - neighbours) ** 2
      }
  return sum / (planes * (height - 2) * (width - 2))
}
