/** Pictures of points without a decoder, to look at while they are painted: each point is a square of one colour. */
import { type PictureShape, pixelsOf, sizeOf } from '../picture/index.js'
import { latentShape } from './autoencoders.js'
import type { AutoencoderConfig } from './config.js'

/**
 * Coarse pictures [count, …picture] of points [count, …].
 *
 * @returns undefined if the autoencoder does not say which colours its points have.
 * @throws RangeError if a side of the pictures is no multiple of the factor.
 */
export const previewOf = (
  config: AutoencoderConfig,
  points: Float32Array,
  picture: PictureShape,
): Float32Array | undefined => {
  const { preview } = config
  if (!preview) return undefined
  const shape = latentShape(config, picture)
  const [from, to] = [pixelsOf(shape), pixelsOf(picture)]
  const factor = picture.width / shape.width
  const count = points.length / sizeOf(shape)
  const out = new Float32Array(count * sizeOf(picture))
  for (let i = 0; i < count; i++)
    for (const [c, weights] of preview.entries())
      for (let at = 0; at < to; at++) {
        const y = Math.floor(at / picture.width / factor)
        const x = Math.floor((at % picture.width) / factor)
        let value = weights[shape.channels]!
        for (let k = 0; k < shape.channels; k++)
          value += weights[k]! * points[(i * shape.channels + k) * from + y * shape.width + x]!
        out[(i * picture.channels + c) * to + at] = value
      }
  return out
}
