/** Batches of pictures of any rank, [B, …]: [B, C, H, W] usually, with a further axis for frames or one less for sound. */
import type { Tensor } from '../tensor/index.js'

/** [B] → [B, 1, …], with as many axes as `like` [B, …], to multiply pictures with. @throws RangeError unless x is [B]. */
export const perPicture = (x: Tensor, like: Tensor): Tensor => {
  const batch = like.shape[0]
  if (x.shape.length !== 1 || x.size !== batch)
    throw new RangeError(
      `perPicture: [${x.shape.join(', ')}] is not one number for each picture of [${like.shape.join(', ')}]`,
    )
  return x.reshape(like.shape.map((_, axis) => (axis === 0 ? batch : 1)))
}

/** x_σ = x₀ + σ·ε: pictures and unit Gaussian noise, both [B, …], at noise level sigma [B]. */
export const noised = (x0: Tensor, noise: Tensor, sigma: Tensor): Tensor =>
  x0.add(noise.mul(perPicture(sigma, noise)))

/** The mean over the values of each picture, [B, …] → [B]. */
export const pictureMean = (x: Tensor): Tensor => x.mean(valueAxes(x))

/** The mean square over the values of each picture, [B, …] → [B]: it does not depend on the resolution. */
export const meanSquare = (x: Tensor): Tensor => x.sumSquares(valueAxes(x)).mul(x.shape[0]! / x.size)

/** The sum of squares over the values of each picture, [B, …] → [B]. */
export const sumSquare = (x: Tensor): Tensor => x.sumSquares(valueAxes(x))

const valueAxes = (x: Tensor): number[] => [...x.shape.keys()].slice(1)
