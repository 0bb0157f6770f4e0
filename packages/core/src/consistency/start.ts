/**
 * Where sampling starts. One step begins at sigma_max, and so does the first of several. The papers draw noise levels for
 * runs of 10⁸ images, of which well under 1 % come near sigma_max, and that is still a million. Runs of 10⁴ to 10⁵ images,
 * as here, would hardly ever see the level that one-step sampling depends on. Each method therefore has an option `top`,
 * the share of the pictures that begin exactly at sigma_max, whatever its paper's distribution draws for the others. This
 * changes how often a level is seen, not the loss of a picture there.
 */
import type { Random } from '../random/index.js'

/**
 * `top`, unless a method's file says otherwise. On a mixture of Gaussians `ict`, `meanflow`, `scd` and `sct` ended further from
 * exact with it than with 0, so they have 0 until it has been measured on pictures.
 */
export const TOP = 0.15

/** Whether a picture begins at sigma_max. One draw; drawn first, it leaves the other draws as they are for any `top`. */
export const atTop = (random: Random, top: number): boolean => random.uniform() < top
