import { type LossContext, meanSquare, pictureMean } from '../diffusion/index.js'
import type { Tensor } from '../tensor/index.js'

/**
 * How far two pictures are apart, per picture, as a mean over pixels (or features), so that no value depends on the
 * resolution:
 *
 * - `l2`: mean square, ‖a − b‖²/D;
 * - `l1`: mean absolute difference;
 * - `huber`: √(‖a − b‖²/D + c²) − c, a root mean square that is smooth at 0 (Song & Dhariwal 2023, eq. 7, whose
 *   c = 0.00054·√D is 0.00054 here);
 * - `perceptual`: mean square between the features of the network that the run was given.
 */
export const DISTANCES = ['l2', 'l1', 'huber', 'perceptual'] as const
export type DistanceName = (typeof DISTANCES)[number]

/** Distances of a and b [B, …]: [B]. @throws RangeError if `perceptual` is asked for without features. */
export const distance = (
  name: DistanceName,
  a: Tensor,
  b: Tensor,
  { huber, features }: { huber: number } & Pick<LossContext, 'features'>,
): Tensor => {
  switch (name) {
    case 'l2':
      return meanSquare(a.sub(b))
    case 'l1':
      return pictureMean(a.sub(b).abs())
    case 'huber':
      return pseudoHuber(meanSquare(a.sub(b)), huber)
    case 'perceptual':
      if (!features) throw new RangeError('a perceptual distance needs a feature network')
      return meanSquare(features(a).sub(features(b)))
    default:
      return name satisfies never
  }
}

/** √(x + c²) − c of a square, or mean square, x. With c = 0 it is the root, whose gradient at 0 is not finite. */
export const pseudoHuber = (square: Tensor, c: number): Tensor =>
  square
    .add(c ** 2)
    .sqrt()
    .sub(c)
