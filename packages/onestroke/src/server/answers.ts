/** Pictures as they are sent: their format, how large they may become, and how many are made so at once. */
import { UserError } from '@onestroke/core/errors'
import { type PictureSize, pixelsOf, sizeText } from '@onestroke/core/picture'
import { type Recipe, recipeOfOne, withRecipe } from '@onestroke/core/pipeline'
import { type Encoding, imageGrid, type Picture } from '../formats/index.js'

/** Largest answer, in pixels: ten pictures of 1024×1024. */
const MOST_PIXELS = 10 * 2 ** 20
/** Largest picture, in pixels: 2048×2048. */
const MOST_PICTURE_PIXELS = 2 ** 22
/** Longest side of a picture, in pixels. */
export const MOST_SIDE = 4096
/** Answers of up to this many pixels skip the queue of the encoder. */
const SMALL = 64 * 64

/**
 * @param n pictures
 * @param size of each, in pixels
 * @throws UserError if a picture would have more than 4 megapixels, or all of them more than 10.
 */
export const checkPixels = (n: number, size: PictureSize): void => {
  const megapixels = (pixels: number) => Math.ceil(pixels / 2 ** 20)
  const pixels = pixelsOf(size)
  if (pixels > MOST_PICTURE_PIXELS)
    throw new UserError(
      `${sizeText(size)} pixels are ${megapixels(pixels)} megapixels, and a picture has at most ${megapixels(MOST_PICTURE_PIXELS)}, which is 2048×2048`,
    )
  if (n * pixels > MOST_PIXELS)
    throw new UserError(
      `${n} × ${size.width} × ${size.height} pixels are ${megapixels(n * pixels)} megapixels, and an answer has at most ${megapixels(MOST_PIXELS)}; ask for fewer or smaller pictures`,
    )
}

/** `count` pictures [count, channels, height, width] in [-1, 1], each pixel enlarged to `scale` × `scale`. */
export interface Painted extends Picture {
  readonly count: number
  readonly scale: number
  /** How they were painted, which their PNGs tell; absent before they are. */
  readonly recipe?: Recipe
}

/** The picture's file, or that of a grid. A PNG holds its recipe. */
const fileOf = async (painted: Painted, encoding: Encoding): Promise<Buffer> => {
  const { scale, recipe } = painted
  const file = await imageGrid(painted, { scale, ...encoding })
  return recipe && (encoding.format ?? 'png') === 'png' ? Buffer.from(withRecipe(file, recipe)) : file
}

/** Enlarged pictures take much memory: a few answers are encoded at once, and the others wait at the model's size. */
export class Encoder {
  readonly #waiting: (() => void)[] = []

  /** @param free how many at once. */
  constructor(private free: number) {}

  /** Answers that wait. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** One picture, or a grid of several. @throws the signal's reason. */
  one(painted: Painted, encoding: Encoding, signal: AbortSignal): Promise<Buffer> {
    return this.#inTurn(painted, signal, () => fileOf(painted, encoding))
  }

  /** Each picture in base64. @throws the signal's reason. */
  each(painted: Painted, signal: AbortSignal, encoding: Encoding = {}): Promise<string[]> {
    return this.#inTurn(painted, signal, async () => {
      const { data, count, recipe, ...same } = painted
      const size = data.length / count
      const texts: string[] = []
      for (let i = 0; i < count; i++) {
        // Encodes one picture per turn of the event loop.
        if (i > 0) await new Promise(setImmediate)
        const one = {
          ...same,
          count: 1,
          data: data.subarray(i * size, (i + 1) * size),
          recipe: recipe && recipeOfOne(recipe, i),
        }
        texts.push((await fileOf(one, encoding)).toString('base64'))
      }
      return texts
    })
  }

  async #inTurn<T>(
    { data, channels, scale }: Painted,
    signal: AbortSignal,
    encode: () => Promise<T>,
  ): Promise<T> {
    if ((data.length / channels) * scale ** 2 <= SMALL) return encode()
    if (this.free > 0) this.free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      signal.throwIfAborted()
      return await encode()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.free++
    }
  }
}
