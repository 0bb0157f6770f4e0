/** Writes pictures: from planar floats in [-1, 1] to picture files. */

import { extname } from 'node:path'
import { UserError } from '@onestroke/core/errors'
import { isSameSize, type PictureShape, type PictureSize, sizeOf } from '@onestroke/core/picture'
import { shownChannels, toByte } from '@onestroke/core/pipeline'
import { type PackerOptions, PNG } from 'pngjs'

/** One picture of floats in [-1, 1], laid out [channels, height, width]. */
export interface Picture extends PictureShape {
  readonly data: Float32Array
}

/** `count` pictures of one size, laid out [count, channels, height, width]. */
export interface Pictures extends Picture {
  readonly count: number
}

/** Red, green and blue, 0 to 255. */
export type Colour = readonly [number, number, number]

export interface GridOptions {
  /** Pictures per row. As many as make the grid about square, unless given. */
  columns?: number
  /** Every pixel becomes a square of this side. The least that makes the grid about 512 wide, unless given. */
  scale?: number
  /** Pixels between two pictures, not enlarged by `scale`. */
  gap?: number
  /** The colour of the gaps and of places without a picture. */
  background?: Colour
}

/** The colour of values that are not finite. It is conspicuous, and rare in pictures. */
const NOT_FINITE: Colour = [255, 0, 255]

/**
 * Pictures in rows, as an RGB PNG. Pixels that are not finite are magenta. Equal input gives equal bytes.
 *
 * @throws UserError unless they have 1 or 3 channels.
 *
 *     await writeFileAtomic('samples.png', await pngGrid({ data, count: 64, channels: 3, height: 32, width: 32 }))
 */
export function pngGrid(images: Pictures, options: GridOptions = {}): Promise<Buffer> {
  return imageGrid(images, options)
}

/** Kinds of picture files that can be written, with the endings of their names. */
const ENDINGS = {
  png: ['.png'],
  jpeg: ['.jpg', '.jpeg'],
  webp: ['.webp'],
  avif: ['.avif'],
} as const

export type ImageFormat = keyof typeof ENDINGS

/** The kind of picture file for a file's name. @throws UserError if its ending is unknown. */
export function formatOf(path: string): ImageFormat {
  const ending = extname(path).toLowerCase()
  for (const [format, endings] of Object.entries(ENDINGS))
    if ((endings as readonly string[]).includes(ending)) return format as ImageFormat
  throw new UserError(
    `cannot write ${path}: ${ending ? `no picture ends in ${ending}` : 'its name has no ending'}`,
    {
      option: 'out',
      remedy: `choose one of ${Object.values(ENDINGS).flat().join(', ')}`,
    },
  )
}

/** How pixels become a file. */
export interface Encoding {
  /** Default: PNG. */
  format?: ImageFormat
  /** From 0 to 100, for JPEG (default 92), WebP (default: without loss) and AVIF (default 80). PNG has none. */
  quality?: number | undefined
  /** Size to which the whole is scaled so as to cover it, and cropped to its middle: where a whole factor does not lead there. */
  size?: PictureSize | undefined
}

/** The same as `pngGrid`, in any format. */
export async function imageGrid(images: Pictures, options: GridOptions & Encoding): Promise<Buffer> {
  const { data, count, height, width } = images
  const channels = shownChannels(images)
  const { columns = Math.ceil(Math.sqrt(count)), gap = 2, background = [224, 224, 224] } = options
  const gaps = gap * (columns - 1)
  const { scale = Math.max(1, Math.ceil((480 - gaps) / (columns * width))) } = options
  for (const [name, value] of Object.entries({ count, height, width, columns, scale })) positive(name, value)
  if (!Number.isInteger(gap) || gap < 0)
    throw new RangeError(`gap: expected a whole number ≥ 0, found ${gap}`)
  const expected = count * sizeOf(images)
  if (data.length !== expected)
    throw new RangeError(`data: expected ${expected} floats, found ${data.length}`)

  const gridWidth = columns * width * scale + gaps
  const rows = Math.ceil(count / columns)
  const gridHeight = rows * height * scale + gap * (rows - 1)
  const bytes = Buffer.alloc(gridWidth * gridHeight * 3, Uint8Array.from(background))
  const pixels = new Uint8ClampedArray(bytes.buffer, bytes.byteOffset, bytes.length)

  const plane = height * width
  /** From red to green, and from green to blue. */
  const step = channels === 1 ? 0 : plane
  for (let image = 0; image < count; image++) {
    const left = (image % columns) * (width * scale + gap)
    const top = Math.floor(image / columns) * (height * scale + gap)
    for (let y = 0; y < height; y++) {
      const begin = 3 * ((top + y * scale) * gridWidth + left)
      const end = begin + 3 * scale * width
      for (let x = 0, at = begin; x < width; x++) {
        const red = image * channels * plane + y * width + x
        const [green, blue] = [red + step, red + 2 * step]
        const finite = Number.isFinite(data[red]! + data[green]! + data[blue]!)
        const r = finite ? toByte(data[red]!) : NOT_FINITE[0]
        const g = finite ? toByte(data[green]!) : NOT_FINITE[1]
        const b = finite ? toByte(data[blue]!) : NOT_FINITE[2]
        for (const to = at + 3 * scale; at < to; at += 3) {
          pixels[at] = r
          pixels[at + 1] = g
          pixels[at + 2] = b
        }
      }
      // The other lines of these pixels are the same.
      for (let line = 1; line < scale; line++) pixels.copyWithin(begin + 3 * line * gridWidth, begin, end)
    }
  }
  return encode(bytes, gridWidth, gridHeight, options)
}

/** One picture as an RGB PNG, in its own size unless `scale` enlarges it. */
export function pngOf(image: Picture, { scale = 1 }: Pick<GridOptions, 'scale'> = {}): Promise<Buffer> {
  return pngGrid({ ...image, count: 1 }, { scale })
}

/** Up to so many pixels, handing them to sharp's threads takes longer than the encoding. */
const TINY = 64 * 64
const TINY_SETTINGS: PackerOptions = {
  colorType: 2,
  inputColorType: 2,
  inputHasAlpha: false,
  filterType: 0,
  deflateLevel: 6,
  deflateStrategy: 0,
}

/** Encodes a PNG. Every setting that the bytes depend on is given here, so that no default can change them. */
async function encode(
  pixels: Buffer,
  width: number,
  height: number,
  { format = 'png', quality, size }: Encoding,
): Promise<Buffer> {
  const isSized = size === undefined || isSameSize(size, { height, width })
  if (format === 'png' && isSized && width * height <= TINY) {
    // No more of a PNG is read than this, and the rest of one takes longer to make than to pack.
    return PNG.sync.write({ width, height, data: pixels } as PNG, TINY_SETTINGS)
  }
  const { default: sharp } = await import('sharp')
  const picture = sharp(pixels, { raw: { width, height, channels: 3 }, limitInputPixels: false })
  if (!isSized) picture.resize(size.width, size.height, { fit: 'cover', position: 'centre' })
  // The least quality that sharp takes is 1.
  const at = (usual: number) => Math.max(1, quality ?? usual)
  switch (format) {
    case 'png':
      return picture
        .png({ compressionLevel: 9, adaptiveFiltering: false, palette: false, progressive: false })
        .toBuffer()
    case 'jpeg':
      return picture.jpeg({ quality: at(92), chromaSubsampling: '4:4:4' }).toBuffer()
    case 'webp':
      return picture.webp(quality === undefined ? { lossless: true } : { quality: at(100) }).toBuffer()
    case 'avif':
      return picture.avif({ quality: at(80), chromaSubsampling: '4:4:4' }).toBuffer()
    default:
      throw format satisfies never
  }
}

function positive(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`${name}: expected a whole number ≥ 1, found ${value}`)
  }
}
