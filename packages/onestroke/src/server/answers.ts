/** Pictures as they are sent: how large they may become, and how many are made so at once. */
import { UserError } from '@onestroke/core/formats'
import sharp from 'sharp'
import { type Picture, pngGrid, pngOf } from '../formats/index.js'

/** Pixels of an answer at most. */
const MOST_PIXELS = 2 ** 22
/** Pixels of an answer that waits for nobody. */
const SMALL = 64 * 64

/** @throws UserError if the answer would have more than 4 megapixels. */
export const checkPixels = ({ n, scale }: { n: number; scale: number }, resolution: number): void => {
  const pixels = n * (resolution * scale) ** 2
  if (pixels > MOST_PIXELS)
    throw new UserError(
      `${n} × ${resolution * scale} × ${resolution * scale} pixels are ${Math.ceil(pixels / 2 ** 20)} megapixels, and an answer has at most ${MOST_PIXELS / 2 ** 20}`,
    )
}

/** `count` pictures [count, channels, height, width] in [-1, 1], each pixel enlarged to `scale` × `scale`. */
export interface Painted extends Picture {
  readonly count: number
  readonly scale: number
}

/** Enlarged pictures take much memory: only so many answers are encoded at once, and the others wait as they were painted. */
export class Encoder {
  readonly #waiting: (() => void)[] = []

  /** @param free how many at once. */
  constructor(private free: number) {}

  /** Answers that wait. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** One picture, or a grid of several. @throws the signal's reason. */
  one(painted: Painted, format: 'png' | 'webp', signal: AbortSignal): Promise<Buffer> {
    return this.#inTurn(painted, signal, async () => {
      const { count, scale, ...picture } = painted
      const png = await (count === 1 ? pngOf(picture, { scale }) : pngGrid(painted, { scale }))
      return format === 'webp' ? sharp(png).webp({ lossless: true }).toBuffer() : png
    })
  }

  /** Each picture as PNG in base64. @throws the signal's reason. */
  each(painted: Painted, signal: AbortSignal): Promise<string[]> {
    return this.#inTurn(painted, signal, async () => {
      const { data, count, scale, ...picture } = painted
      const size = data.length / count
      const texts: string[] = []
      for (let i = 0; i < count; i++) {
        // One for each turn of the event loop.
        if (i > 0) await new Promise(setImmediate)
        const png = await pngOf({ ...picture, data: data.subarray(i * size, (i + 1) * size) }, { scale })
        texts.push(png.toString('base64'))
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
