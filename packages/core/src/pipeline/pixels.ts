import { UserError } from '../errors/index.js'
import { type PictureShape, type PictureSize, pixelsOf } from '../picture/index.js'

/**
 * The channels of pictures that files and pages can show.
 *
 * @throws UserError unless there are 1, grey, or 3, colour.
 */
export const shownChannels = ({ channels }: Pick<PictureShape, 'channels'>): 1 | 3 => {
  if (channels === 1 || channels === 3) return channels
  throw new UserError(
    `pictures of ${channels} channels cannot be read or shown: a picture has 1 channel, which is grey, or 3, which are colours`,
  )
}

/** [-1, 1] to 0…255, rounded; typed arrays that clamp do the rest. */
export const toByte = (value: number): number => Math.round((value + 1) * 127.5)

/**
 * Picture `index` of [count, channels, height, width] values in [-1, 1] as RGBA bytes [height, width, 4]. One channel is grey.
 *
 * @throws UserError unless there are 1 or 3 channels.
 */
export const toRGBA = (
  data: Float32Array,
  index: number,
  shape: PictureShape,
): Uint8ClampedArray<ArrayBuffer> => {
  const channels = shownChannels(shape)
  const size = pixelsOf(shape)
  const rgba = new Uint8ClampedArray(4 * size).fill(255)
  for (let c = 0; c < 3; c++) {
    const plane = (index * channels + Math.min(c, channels - 1)) * size
    for (let i = 0; i < size; i++) rgba[4 * i + c] = toByte(data[plane + i]!)
  }
  return rgba
}

/**
 * RGBA bytes as [channels, size] values in [-1, 1], the inverse of `toRGBA`. As where pictures are read from files, what is
 * transparent shows white, and one channel is the luminance of the colours: of light, by Rec. 709, not of bytes.
 *
 * @throws UserError unless there are 1 or 3 channels.
 */
export const fromRGBA = (rgba: ArrayLike<number>, channels: number): Float32Array => {
  shownChannels({ channels })
  const size = rgba.length / 4
  const data = new Float32Array(channels * size)
  for (let i = 0; i < size; i++) {
    const alpha = rgba[4 * i + 3]! / 255
    const over = (value: number) => 255 + alpha * (value - 255)
    const [r, g, b] = [over(rgba[4 * i]!), over(rgba[4 * i + 1]!), over(rgba[4 * i + 2]!)]
    const values = channels === 1 ? [luminance(r, g, b)] : [r, g, b]
    for (const [c, value] of values.entries()) data[c * size + i] = value / 127.5 - 1
  }
  return data
}

/**
 * RGBA bytes as a mask [size] in [0, 1]: 1 is painted anew, 0 stays. If anything is transparent, its holes are painted, whatever
 * their colour; otherwise white is 1, and black 0.
 */
export const maskFromRGBA = (rgba: ArrayLike<number>): Float32Array => {
  const holes = Float32Array.from({ length: rgba.length / 4 }, (_, i) => 1 - rgba[4 * i + 3]! / 255)
  return holes.some((hole) => hole > 0) ? holes : fromRGBA(rgba, 1).map((value) => (value + 1) / 2)
}

/** Takes sRGB's values from 0 to 255, and is in that range itself (IEC 61966-2-1). */
const luminance = (r: number, g: number, b: number): number => {
  if (r === g && g === b) return r
  const linear = 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b)
  return 255 * (linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055)
}

const light = (value: number): number => {
  const share = value / 255
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
}

/**
 * The pixels of a picture that was enlarged by a whole number k ≥ 2, each of them to k × k equal ones: the middle of it,
 * [height, width, channels] of the size `to`. Undefined for every other picture, and if it does not cover k times that size.
 *
 * @param pixels [height, width, channels], of bytes
 */
export const unenlarged = <Bytes extends Uint8Array | Uint8ClampedArray>(
  pixels: Bytes,
  from: PictureShape,
  to: PictureSize,
): Bytes | undefined => {
  const { channels, height, width } = from
  const k = enlargement(from, to)
  if (k === undefined || !isOfCells(pixels, width * channels, channels, k)) return undefined
  const left = middle(width / k, to.width)
  const top = middle(height / k, to.height)
  const small = pixels.slice(0, channels * pixelsOf(to)) as Bytes
  for (let y = 0; y < to.height; y++)
    for (let x = 0; x < to.width; x++) {
      const at = ((top + y) * k * width + (left + x) * k) * channels
      small.set(pixels.subarray(at, at + channels), (y * to.width + x) * channels)
    }
  return small
}

/** By how much a picture may have been enlarged from one that covers a size as scaling does; undefined if by no whole number ≥ 2. */
export const enlargement = ({ height, width }: PictureSize, to: PictureSize): number | undefined => {
  const k = Math.min(width / to.width, height / to.height)
  return k >= 2 && [k, width / k, height / k].every(Number.isInteger) ? k : undefined
}

/** Whether every k × k pixels have one colour. Rows have `stride` values. */
const isOfCells = (pixels: ArrayLike<number>, stride: number, channels: number, k: number): boolean => {
  for (let at = 0; at < pixels.length; at++) {
    const column = at % stride
    const inCell = column % (k * channels)
    // The pixel to the left, within a cell; else the one above, where there is one in the cell.
    if (inCell >= channels) {
      if (pixels[at] !== pixels[at - channels]) return false
    } else if (Math.floor(at / stride) % k !== 0 && pixels[at] !== pixels[at - stride]) return false
  }
  return true
}

/** Where the middle `part` of a length begins: as sharp, which reads pictures in Node, has it. */
const middle = (length: number, part: number): number => Math.ceil((length - part) / 2)
