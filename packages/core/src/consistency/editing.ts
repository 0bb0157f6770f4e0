/**
 * Editing with a model that was only trained to paint (Song et al. 2023, section 6 and appendix D; Meng et al. 2021,
 * SDEdit): a picture is noised to a level at which what should change is drowned, and painted again from there.
 * Consistency students do it in one step; the same functions serve a teacher's solvers.
 */
import { type DenoiseFunction, karrasSigma, type NoiseRange } from '../diffusion/index.js'

/**
 * How much of a picture is painted anew where nothing else is asked for: its colours and shapes stay, and what the prompt
 * asks for begins to show.
 */
export const DEFAULT_STRENGTH = 0.3

/**
 * The noise level that an edit begins at: `strength` ∈ [0, 1] is the way up the Karras schedule, so that equal moves of
 * a slider change about as much. 0 is sigma_min, which changes nothing; 1 is sigma_max, at which nothing is left.
 */
export const strengthSigma = (strength: number, range: NoiseRange): number => karrasSigma(1 - strength, range)

/**
 * D of an inpainting: what is painted where `mask` is 1, the picture where it is 0, at every step (Song et al. 2023,
 * algorithm 4). What is kept stays on its own noisy trajectory, and the rest is painted to go with it.
 *
 * @param image [count, C, H, W]
 * @param mask of `image`'s size, in [0, 1].
 */
export const inpainting =
  (denoise: DenoiseFunction, image: Float32Array, mask: Float32Array): DenoiseFunction =>
  async (x, sigma, s) =>
    (await denoise(x, sigma, s)).map((value, k) => image[k]! + mask[k]! * (value - image[k]!))

/** Between two vectors along a straight line, t ∈ [0, 1]. */
const lerp = (a: Float32Array, b: Float32Array, t: number): Float32Array =>
  a.map((value, k) => value + t * (b[k]! - value))

/**
 * Between two noises along the arc, t ∈ [0, 1] (Shoemake 1985; Song et al. 2023, appendix D): halfway is as long as the
 * ends are, as Gaussian noise has to be. A straight line's middle would be too short, and its picture washed out.
 */
export const slerp = (a: Float32Array, b: Float32Array, t: number): Float32Array => {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, k) => sum + value * y[k]!, 0)
  const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)))
  // Parallel noises have no arc, or no only one.
  if (!(Math.sin(angle) > 1e-6)) return lerp(a, b, t)
  const [from, to] = [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)]
  return a.map((value, k) => from * value + to * b[k]!)
}
