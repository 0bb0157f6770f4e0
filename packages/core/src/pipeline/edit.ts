/** Edits and interpolations: how `generate` paints from a picture, or between two. */
import { DEFAULT_STRENGTH, inpainting, multistepSigmas, strengthSigma } from '../consistency/index.js'
import type { DenoiseFunction, NoiseRange } from '../diffusion/index.js'
import { UserError } from '../errors/index.js'
import { isSameSize, type PictureShape, pixelsOf, sizeOf } from '../picture/index.js'
import type { Codec } from '../space/index.js'

export interface EditOptions {
  /** A picture to begin from, [C, H, W] in [-1, 1]; or one for each prompt, [count, C, H, W]. */
  image?: Float32Array
  /** How much of it is painted anew, in [0, 1]: 0 nothing, 1 all. Default `DEFAULT_STRENGTH`, with a mask 1. See `strengthSigma`. */
  strength?: number
  /** The mask, [H, W] or one for each prompt: 1 is painted anew, 0 stays. */
  mask?: Float32Array
}

/** The way to another prompt or seed. */
export interface Interpolation {
  /** Default: the same prompt. */
  prompt?: string
  /** Default: the same noise. */
  seed?: number
  /** Each picture's share of the way to the other end, in [0, 1]. */
  weights: readonly number[]
}

/** The parts of an edit for the sampler. */
export interface Edit {
  /** Noise level at which it begins, instead of sigma_max. */
  readonly sigma: number
  /** The first x, made from unit noise. */
  start(noise: Float32Array, sigma: number): Float32Array
  /** The denoiser, with the kept pixels put back after each call. */
  keep(denoise: DenoiseFunction): DenoiseFunction
  /** A student's noise levels. */
  sigmas(steps: number): readonly number[]
}

/** The strength of an edit, or its default. */
export const strengthOf = ({
  strength,
  mask,
}: {
  readonly strength?: number
  readonly mask?: unknown
}): number => strength ?? (mask === undefined ? DEFAULT_STRENGTH : 1)

/** @throws UserError if an edit's settings contradict each other. */
export const checkEdit = ({ image, strength, mask, sigmas }: EditOptions & Levels): void => {
  if (!image && (mask || strength !== undefined))
    throw new UserError('a mask or a strength is for editing, and there is no picture to edit', {
      option: mask ? 'mask' : 'strength',
    })
  if (strength !== undefined && !(strength >= 0 && strength <= 1))
    throw new UserError(`the strength of an edit is between 0 and 1, not ${strength}`, { option: 'strength' })
  if (strength !== undefined && sigmas)
    throw new UserError('strength and noise levels say the same thing twice', {
      option: 'strength',
      remedy: 'leave one of them out',
    })
}

interface Levels {
  readonly sigmas?: readonly number[]
}

/**
 * @param shape of one picture
 * @throws RangeError if picture or mask have another size.
 */
export const checkEditSizes = ({ image, mask }: EditOptions, count: number, shape: PictureShape): void => {
  const one = sizeOf(shape)
  const size = pixelsOf(shape)
  if (image && image.length !== one && image.length !== one * count)
    throw new RangeError(`a picture of ${image.length} numbers: ${one} expected, or ${count} times as many`)
  if (mask && mask.length !== size && mask.length !== size * count)
    throw new RangeError(`a mask of ${mask.length} numbers: ${size} expected, one for each pixel`)
}

/** A mask of pictures as one of points: a point is painted as far as any of the pixels that it covers. */
export const maskOfPoints = (
  mask: Float32Array,
  { picture, shape }: Pick<Codec, 'picture' | 'shape'>,
): Float32Array => {
  if (isSameSize(picture, shape)) return mask
  const [from, to] = [pixelsOf(picture), pixelsOf(shape)]
  const out = new Float32Array((mask.length / from) * to)
  for (const [k, value] of mask.entries()) {
    const pixel = k % from
    const y = Math.floor((Math.floor(pixel / picture.width) * shape.height) / picture.height)
    const x = Math.floor(((pixel % picture.width) * shape.width) / picture.width)
    const at = Math.floor(k / from) * to + y * shape.width + x
    out[at] = Math.max(out[at]!, value)
  }
  return out
}

/**
 * Takes back from the original what an edit keeps, where points do not hold it exactly: as much as the mask is below 1.
 *
 * @param painted [count, …shape], which is written over.
 * @param image one picture, or one for each of `painted`, as the mask.
 */
export const keepUnmasked = (
  painted: Float32Array,
  image: Float32Array,
  mask: Float32Array,
  shape: PictureShape,
): void => {
  const one = sizeOf(shape)
  const size = pixelsOf(shape)
  for (const [k, value] of painted.entries()) {
    const share = mask[(Math.floor(k / one) * size + (k % size)) % mask.length]!
    painted[k] = share * value + (1 - share) * image[k % image.length]!
  }
}

/**
 * @param options that `checkEdit` has passed, with picture and mask as points
 * @param shape of one point
 */
export const editOf = (
  { image, strength, mask, sigmas }: EditOptions & Levels,
  count: number,
  shape: PictureShape,
  range: NoiseRange,
): Edit | undefined => {
  if (!image) return undefined
  const one = sizeOf(shape)
  const size = pixelsOf(shape)
  const pictures = repeat(image, one * count)
  const masks =
    mask &&
    Float32Array.from(
      { length: one * count },
      (_, k) => mask[(Math.floor(k / one) * size + (k % size)) % mask.length]!,
    )
  const sigma = sigmas?.[0] ?? strengthSigma(strengthOf({ strength, mask }), range)
  return {
    sigma,
    // The picture lies at sigma_min, where trajectories end. The noise up to the level is added.
    start: (noise, level) => {
      const scale = Math.sqrt(Math.max(0, level ** 2 - range.sigma_min ** 2))
      return noise.map((z, k) => pictures[k]! + scale * z)
    },
    keep: (denoise) => (masks ? inpainting(denoise, pictures, masks) : denoise),
    sigmas: (steps) => sigmas ?? multistepSigmas(steps, { ...range, sigma_max: sigma }),
  }
}

const repeat = (values: Float32Array, length: number): Float32Array =>
  Float32Array.from({ length }, (_, k) => values[k % values.length]!)

/** @throws RangeError unless there is a weight for each picture. */
export const checkWeights = (weights: readonly number[], count: number): void => {
  if (weights.length !== count) throw new RangeError(`${weights.length} weights for ${count} pictures`)
}

/** Interpolates each of `count` rows of `a` to the row of `b`. @throws RangeError unless there are `count` weights. */
export const between = (
  a: Float32Array,
  b: Float32Array,
  weights: readonly number[],
  count: number,
  blend: (a: Float32Array, b: Float32Array, weight: number) => Float32Array,
): Float32Array => {
  checkWeights(weights, count)
  const out = new Float32Array(a.length)
  const size = a.length / count
  for (const [i, weight] of weights.entries()) {
    const row = (values: Float32Array) => values.subarray(i * size, (i + 1) * size)
    out.set(blend(row(a), row(b), weight), i * size)
  }
  return out
}
