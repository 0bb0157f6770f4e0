/** How far a picture that went through an autoencoder is from what it was, as training sees it. */
import { dims, type Tensor } from '../tensor/index.js'

/** Sides of the squares over which pictures are averaged before their gradients are compared. */
const SCALES = [1, 2, 4]

/**
 * Error of pictures y [B, C, H, W] that should be x: [B]. The mean |y − x|, and at three scales the mean difference of the
 * steps from each pixel to the next, along both axes: without them, edges are the first to be lost (Mathieu et al. 2016, eq. 6,
 * with exponent 1).
 */
export const reconstructionError = (y: Tensor, x: Tensor): Tensor => {
  const error = y.sub(x)
  const terms = SCALES.flatMap((side) => {
    const coarse = averaged(error, side)
    return [2, 3].map((axis) => pictureMean(steps(coarse, axis).abs()))
  })
  return terms.reduce((sum, term) => sum.add(term), pictureMean(error.abs()))
}

const pictureMean = (x: Tensor): Tensor => x.mean([1, 2, 3])

/** Means over squares of `side`×`side` pixels. */
const averaged = (x: Tensor, side: number): Tensor => {
  if (side === 1) return x
  const [n, c, h, w] = dims(x, 4, 'averaged')
  return x.reshape([n, c, h / side, side, w / side, side]).mean([3, 5])
}

/** From each pixel to the next along an axis. */
const steps = (x: Tensor, axis: number): Tensor => {
  const { shape } = x
  const zeros = shape.map(() => 0)
  const next = x.slice(
    zeros.map((zero, i) => (i === axis ? 1 : zero)),
    shape,
  )
  const here = x.slice(
    zeros,
    shape.map((size, i) => (i === axis ? size - 1 : size)),
  )
  return next.sub(here)
}
