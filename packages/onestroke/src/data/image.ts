/** Single pictures, to paint from: read as the pictures that a model learned from were. */
import { UserError } from '@onestroke/core/errors'
import type { DecodeOptions } from './decode.js'
import { readPicture } from './read-picture.js'

/** The model's size of picture, and what is refused. */
export type ImageOptions = DecodeOptions & Required<Pick<DecodeOptions, 'resolution' | 'channels'>>

/**
 * A picture as planar floats in [-1, 1], [channels, resolution, resolution]: scaled to cover the square, cropped to its
 * middle, over white.
 *
 *     const { resolution, channels } = model.config.network
 *     await model.generate({ prompts: ['owl'], image: await readImage('cat.png', { resolution, channels }) })
 *
 * @param from the file's path, or its bytes
 * @throws UserError if that is no picture, or one that is refused.
 */
export const readImage = (from: string | Uint8Array, options: ImageOptions): Promise<Float32Array> =>
  read('the picture', from, options)

/**
 * A mask [resolution, resolution] in [0, 1]: 1 is painted anew, 0 stays. If anything in it is transparent, its holes are
 * painted, whatever their colour, as OpenAI's clients send them; otherwise white is 1, and black 0. Fitted as a picture is.
 *
 * @throws UserError as `readImage` does.
 */
export const readMask = async (
  from: string | Uint8Array,
  options: Omit<ImageOptions, 'channels' | 'mask'>,
): Promise<Float32Array> =>
  (await read('the mask', from, { ...options, channels: 1, mask: true })).map((value) => (value + 1) / 2)

const read = async (what: string, from: string | Uint8Array, options: ImageOptions) => {
  // Imported when it is needed, as sharp is with it.
  const { readBounded, toPlanar } = await import('./decode.js')
  const { decodeForeign } = await import('./drawing.js')
  const isPath = typeof from === 'string'
  const outcome = await decodeForeign(async () => (isPath ? readBounded(from) : from), options)
  if ('reason' in outcome)
    throw new UserError(`cannot read ${what}${isPath ? ` ${from}` : ''}: ${outcome.reason}`)
  const { resolution, channels } = options
  const pixels = new Uint8Array(channels * resolution ** 2)
  toPlanar(outcome.picture.pixels!, channels, pixels, channels)
  const image = new Float32Array(pixels.length)
  readPicture({ pixels, count: 1, channels, height: resolution, width: resolution }, 0, image, 0)
  return image
}
