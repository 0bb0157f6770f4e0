/** Files to pixels: PNG, JPEG, WebP, GIF (its first frame), AVIF, TIFF and SVG, through sharp. */
import { readFile, stat } from 'node:fs/promises'
import { type PictureShape, type PictureSize, square } from '@onestroke/core/picture'
import { enlargement, unenlarged } from '@onestroke/core/pipeline'
import sharp, { type Metadata, type Sharp } from 'sharp'
import { systemReason } from '../formats/index.js'
import { firstFrameOf } from './gif-frame.js'
import { meanArea } from './mean-area.js'

/** A picture as it comes out of a file: [height, width, channels]. */
export interface Decoded extends PictureShape {
  channels: 1 | 3
  pixels: Uint8Array
  /** The size in the file, upright, before it was scaled. */
  original: PictureSize
}

export interface DecodeOptions {
  /**
   * Scale the picture to cover this size, and crop its centre. The pixels of a picture that was enlarged by a whole number are
   * taken as they were before.
   */
  resolution?: PictureSize | undefined
  /** Channels of the result: 1 for grey, 3 for colour. Default: those of the file. */
  channels?: 1 | 3 | undefined
  /** Larger pictures are refused. */
  megapixels?: number | undefined
  /** Names of sharp's formats; others are refused. */
  formats?: readonly string[] | undefined
  /**
   * Read it as a mask, in grey. If any pixel is transparent, transparency is the mask, and colours do not count. Scaled
   * by `meanArea`, so that a pixel over nothing but black stays black.
   */
  mask?: boolean | undefined
}

/** Either a picture or the reason why there is none. */
export type Outcome = { picture: Decoded } | { reason: string }

const MEGAPIXELS = 100
/** Factor by which drawings are drawn larger and then reduced, which is smoother than drawing them small. */
const OVERSAMPLING = 4
/** Pictures that are decoded at a time. */
export const DECODERS = 4
/** Largest file, in bytes, that is read as a picture. */
export const MAX_FILE_BYTES = 256 * 2 ** 20

/** A file's bytes. @throws Error if it is no file, as a named pipe, or too large for a picture. */
export const readBounded = async (path: string): Promise<Uint8Array> => {
  const found = await stat(path)
  if (!found.isFile() && !found.isDirectory()) throw new Error('not a regular file')
  const { size } = found
  if (size > MAX_FILE_BYTES) throw new Error(`larger than ${MAX_FILE_BYTES / 2 ** 20} MiB`)
  return readFile(path)
}

/** Decodes what `read` reads, upright and over white. Never throws: a file may hold anything. */
export const decode = async (read: () => Promise<Uint8Array>, options: DecodeOptions): Promise<Outcome> => {
  try {
    const bytes = await read()
    if (bytes.length === 0) return { reason: 'empty file' }
    return { picture: await decodeBytes(bytes, options) }
  } catch (error) {
    return { reason: reasonOf(error, options) }
  }
}

const decodeBytes = async (
  bytes: Uint8Array,
  { resolution, channels, megapixels = MEGAPIXELS, formats, mask = false }: DecodeOptions,
): Promise<Decoded> => {
  const metadata = await open(bytes, megapixels).metadata()
  if (formats && !formats.includes(metadata.format))
    throw new Error(`${metadata.format} is not taken, only ${formats.join(', ')}`)
  if (!DEPTHS.has(metadata.depth ?? 'uchar'))
    throw new Error(`its values are of type ${metadata.depth}, not of 8 or 16 bits: convert it`)
  const { width, height } = metadata.autoOrient
  const original = { width, height }
  const kept = mask ? 1 : (channels ?? (metadata.space === 'b-w' || metadata.space === 'grey16' ? 1 : 3))
  const isDrawing = metadata.format === 'svg' && resolution !== undefined
  const opened = (
    isDrawing
      ? await drawn(bytes, metadata, resolution, megapixels)
      : ((await onWhite(bytes, metadata, megapixels)) ?? open(bytes, megapixels))
  ).autoOrient()
  const picture = (mask && !(await opened.clone().stats()).isOpaque ? await transparency(opened) : opened)
    .flatten({ background: '#fff' })
    .toColourspace(kept === 1 ? 'b-w' : 'srgb')
  const small =
    resolution !== undefined && !isDrawing && (await beforeEnlarging(picture, metadata, kept, resolution))
  if (small) return { ...heightAndWidth(resolution!), channels: kept, pixels: small, original }
  if (resolution !== undefined && !mask)
    picture.resize(resolution.width, resolution.height, {
      fit: 'cover',
      position: 'centre',
      kernel: 'lanczos3',
    })
  const { pixels, info } = await rawPixels(picture, kept)
  if (resolution !== undefined && mask)
    return {
      ...heightAndWidth(resolution),
      channels: 1,
      pixels: meanArea(pixels, info, resolution),
      original,
    }
  return { width: info.width, height: info.height, channels: kept, pixels, original }
}

const heightAndWidth = ({ height, width }: PictureSize): PictureSize => ({ height, width })

/** Interleaved bytes of what was opened. */
const rawPixels = async (picture: Sharp, kept: 1 | 3) => {
  const { data, info } = await picture.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true })
  return { pixels: firstChannels(data, info, kept), info }
}

/** See `unenlarged`. */
const beforeEnlarging = async (
  picture: Sharp,
  { autoOrient: { width, height } }: Metadata,
  channels: 1 | 3,
  resolution: PictureSize,
): Promise<Uint8Array | undefined> => {
  const k = enlargement({ height, width }, resolution)
  if (k === undefined) return undefined
  // In almost every photograph, pixels differ within the first row of squares already, which takes little to decode.
  const row = { left: 0, top: 0, width, height: k }
  const first = await rawPixels(picture.clone().extract(row), channels)
  if (!unenlarged(first.pixels, { ...row, channels }, square(1))) return undefined
  const { pixels } = await rawPixels(picture.clone(), channels)
  return unenlarged(pixels, { width, height, channels }, resolution)
}

/** How transparent each pixel is, as a grey picture: white where nothing is to be seen. */
const transparency = async (picture: Sharp): Promise<Sharp> => {
  const { data, info } = await picture
    .extractChannel('alpha')
    .toColourspace('b-w')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  return sharp(data, { raw: info }).negate()
}

/** How sharp stores values from black to white. Others (float) have no white that is known. */
const DEPTHS = new Set(['uchar', 'ushort'])

const open = (bytes: Uint8Array, megapixels: number, density?: number): Sharp => {
  const options = { failOn: 'error', limitInputPixels: megapixels * 1e6 } as const
  // sharp refuses a density that is undefined.
  return sharp(bytes, density === undefined ? options : { ...options, density })
}

/**
 * An SVG in pixels, four times the resolution or its own size if that is larger; less where it would exceed the limit.
 * This takes a separate step, because sharp draws a resized drawing at its final size.
 */
const drawn = async (
  bytes: Uint8Array,
  { width, height }: Metadata,
  resolution: PictureSize,
  megapixels: number,
): Promise<Sharp> => {
  const wanted = Math.max(
    1,
    (OVERSAMPLING * resolution.width) / width,
    (OVERSAMPLING * resolution.height) / height,
  )
  const possible = Math.sqrt((0.99 * megapixels * 1e6) / (width * height))
  const density = Math.min(MAX_DENSITY, DENSITY * Math.min(wanted, possible))
  const { data, info } = await open(bytes, megapixels, density).raw().toBuffer({ resolveWithObject: true })
  return sharp(data, { raw: info })
}

/** A GIF whose first frame covers a part of the canvas: over white, where libvips would have black. Undefined for others. */
const onWhite = async (
  bytes: Uint8Array,
  { format, hasAlpha, width, height }: Metadata,
  megapixels: number,
): Promise<Sharp | undefined> => {
  const frame = format === 'gif' && !hasAlpha ? firstFrameOf(bytes) : undefined
  if (!frame || (frame.width === width && frame.height === height)) return undefined
  const white = { create: { width, height, channels: 3, background: '#fff' } } as const
  if (frame.width === 0 || frame.height === 0) return sharp(white)
  const input = await open(bytes, megapixels).extract(frame).png().toBuffer()
  const { data, info } = await sharp(white)
    .composite([{ input, left: frame.left, top: frame.top }])
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  return sharp(data, { raw: info })
}

/** Dots per inch: where a unit of an SVG is a pixel, and the most that sharp takes. */
const DENSITY = 72
const MAX_DENSITY = 100_000

/** The first `kept` of each interleaved pixel's `channels` values (the only one repeated if need be). */
const firstChannels = (data: Uint8Array, { channels }: { channels: number }, kept: 1 | 3): Uint8Array => {
  if (channels === kept) return data
  const pixels = new Uint8Array((data.length / channels) * kept)
  for (let i = 0; i < pixels.length; i++)
    pixels[i] = data[Math.floor(i / kept) * channels + Math.min(i % kept, channels - 1)]!
  return pixels
}

/** [pixels, from] to [to, pixels]; one channel fills as many as are asked for. */
export const toPlanar = (interleaved: Uint8Array, from: number, planar: Uint8Array, to: number): void => {
  const plane = planar.length / to
  for (let c = 0; c < to; c++) {
    const offset = Math.min(c, from - 1)
    for (let i = 0; i < plane; i++) planar[c * plane + i] = interleaved[i * from + offset]!
  }
}

const reasonOf = (error: unknown, { megapixels = MEGAPIXELS }: DecodeOptions): string => {
  const reason = systemReason(error)
  if (reason !== undefined) return reason
  const [first = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  if (first.includes('unsupported image format')) return 'not a picture'
  if (first.includes('exceeds pixel limit')) return `more than ${megapixels} megapixels`
  // Messages of the libraries behind sharp are about their own internals.
  if (/corrupt header|premature end|unexpected end|read error|unknown error/i.test(first))
    return 'cut short, or no picture'
  return first.slice(0, 120)
}
