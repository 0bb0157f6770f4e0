/** Files to pixels: PNG, JPEG, WebP, GIF (its first frame), AVIF, TIFF and SVG, through sharp. */
import sharp, { type Metadata, type Sharp } from 'sharp'

/** A picture as it comes out of a file: [height, width, channels], or only its size, if it cannot be used as it is. */
export interface Decoded {
  width: number
  height: number
  channels: 1 | 3
  pixels: Uint8Array | undefined
}

export interface DecodeOptions {
  /** Scale the picture to cover a square of this side, and crop its centre. */
  resolution?: number
  /** Turn it grey or colourful. As it is, if not given. */
  channels?: 1 | 3
}

/** Either a picture or the reason why there is none. */
export type Outcome = { picture: Decoded } | { reason: string }

/** Ends of the names of files that are taken for pictures, in lower case. */
export const PICTURE_EXTENSIONS: ReadonlySet<string> = new Set([
  'png',
  'jpg',
  'jpeg',
  'webp',
  'gif',
  'avif',
  'tif',
  'tiff',
  'svg',
])

const MAX_MEGAPIXELS = 100
/** Drawings are drawn so many times larger than needed and then reduced: smoother than drawing them small. */
const OVERSAMPLING = 4
/** Pictures are decoded so many at a time. */
export const DECODERS = 4
/** Larger files are not taken for pictures. */
export const MAX_FILE_BYTES = 256 * 2 ** 20

/**
 * Decodes what `read` reads, upright and over white. Without `resolution`, a picture that is not square comes back
 * without pixels. Never throws: a file may hold anything.
 */
export const decode = async (read: () => Promise<Uint8Array>, options: DecodeOptions): Promise<Outcome> => {
  try {
    const bytes = await read()
    if (bytes.length === 0) return { reason: 'empty file' }
    return { picture: await decodeBytes(bytes, options) }
  } catch (error) {
    return { reason: reasonOf(error) }
  }
}

const decodeBytes = async (bytes: Uint8Array, { resolution, channels }: DecodeOptions): Promise<Decoded> => {
  const metadata = await open(bytes).metadata()
  const { width, height } = metadata.autoOrient
  const kept = channels ?? (metadata.space === 'b-w' || metadata.space === 'grey16' ? 1 : 3)
  if (resolution === undefined && width !== height)
    return { width, height, channels: kept, pixels: undefined }
  const isDrawing = metadata.format === 'svg' && resolution !== undefined
  const picture = (isDrawing ? await drawn(bytes, metadata, resolution) : open(bytes))
    .autoOrient()
    .flatten({ background: '#fff' })
    .toColourspace(kept === 1 ? 'b-w' : 'srgb')
  if (resolution !== undefined)
    picture.resize(resolution, resolution, { fit: 'cover', position: 'centre', kernel: 'lanczos3' })
  const { data, info } = await picture.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, channels: kept, pixels: firstChannels(data, info, kept) }
}

const open = (bytes: Uint8Array, density?: number): Sharp =>
  sharp(bytes, {
    failOn: 'error',
    limitInputPixels: MAX_MEGAPIXELS * 1e6,
    ...(density !== undefined && { density }),
  })

/**
 * An SVG in pixels, four times the resolution or its own size if that is larger; less where it would exceed the limit.
 * In a step of its own, since sharp would draw a drawing that it is told to resize at its final size.
 */
const drawn = async (bytes: Uint8Array, { width, height }: Metadata, resolution: number): Promise<Sharp> => {
  const wanted = Math.max(1, (OVERSAMPLING * resolution) / Math.min(width, height))
  const possible = Math.sqrt((0.99 * MAX_MEGAPIXELS * 1e6) / (width * height))
  const density = Math.min(MAX_DENSITY, DENSITY * Math.min(wanted, possible))
  const { data, info } = await open(bytes, density).raw().toBuffer({ resolveWithObject: true })
  return sharp(data, { raw: info })
}

/** Dots per inch: where a unit of an SVG is a pixel, and the most that sharp takes. */
const DENSITY = 72
const MAX_DENSITY = 100_000

/** Of interleaved pixels with `channels` values each, the first `kept` (the only one repeated if need be). */
const firstChannels = (data: Uint8Array, { channels }: { channels: number }, kept: 1 | 3): Uint8Array => {
  if (channels === kept) return data
  const pixels = new Uint8Array((data.length / channels) * kept)
  for (let i = 0; i < pixels.length; i++)
    pixels[i] = data[Math.floor(i / kept) * channels + Math.min(i % kept, channels - 1)]!
  return pixels
}

const reasonOf = (error: unknown): string => {
  const [first = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  if (first.includes('unsupported image format')) return 'not a picture'
  if (first.includes('exceeds pixel limit')) return `more than ${MAX_MEGAPIXELS} megapixels`
  return first.replace(/^Input buffer has corrupt header: /, 'damaged header: ').slice(0, 120)
}
