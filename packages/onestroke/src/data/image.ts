/** Single pictures, to paint from: read as the pictures that a model learned from were. */
import { UserError } from '@onestroke/core/errors'
import { type PictureShape, type PictureSize, sizeOf } from '@onestroke/core/picture'
import { shownChannels } from '@onestroke/core/pipeline'
import type { DecodeOptions } from './decode.js'
import { readPicture } from './read-picture.js'

/** What is refused. */
type Refusals = Pick<DecodeOptions, 'megapixels' | 'formats'>

/**
 * A picture as planar floats in [-1, 1], [channels, height, width]: scaled to cover that size, cropped to its middle, over
 * white.
 *
 *     await model.generate({ prompts: ['owl'], image: await readImage('cat.png', model.shape) })
 *
 * @param from the file's path, or its bytes
 * @throws UserError if that is no picture, or one that is refused; or if pictures are to have other than 1 or 3 channels.
 */
export const readImage = (
  from: string | Uint8Array,
  shape: PictureShape,
  refusals: Refusals = {},
): Promise<Float32Array> => read('the picture', from, shape, refusals)

/**
 * A mask [height, width] in [0, 1]: 1 is painted anew, 0 stays. If anything in it is transparent, its holes are
 * painted, whatever their colour, as OpenAI's clients send them; otherwise white is 1, and black 0. Fitted as a picture is.
 *
 * @throws UserError as `readImage` does.
 */
export const readMask = async (
  from: string | Uint8Array,
  { height, width }: PictureSize,
  refusals: Refusals = {},
): Promise<Float32Array> => {
  const grey = await read('the mask', from, { channels: 1, height, width }, { ...refusals, mask: true })
  return grey.map((value) => (value + 1) / 2)
}

const read = async (
  what: string,
  from: string | Uint8Array,
  shape: PictureShape,
  others: Refusals & Pick<DecodeOptions, 'mask'>,
) => {
  const channels = shownChannels(shape)
  const { height, width } = shape
  // Imported when it is needed, as sharp is with it.
  const { readBounded, toPlanar } = await import('./decode.js')
  const { decodeForeign } = await import('./drawing.js')
  const isPath = typeof from === 'string'
  const outcome = await decodeForeign(async () => (isPath ? readBounded(from) : from), {
    ...others,
    resolution: { height, width },
    channels,
  })
  if ('reason' in outcome)
    throw new UserError(`cannot read ${what}${isPath ? ` ${from}` : ''}: ${outcome.reason}`)
  const pixels = new Uint8Array(sizeOf(shape))
  toPlanar(outcome.picture.pixels, channels, pixels, channels)
  const image = new Float32Array(pixels.length)
  readPicture({ pixels, count: 1, channels, height, width }, 0, image, 0)
  return image
}
