import { createHash } from 'node:crypto'
import { UserError } from '@onestroke/core/errors'
import { type PictureShape, type PictureSize, sizeOf } from '@onestroke/core/picture'

/** The error for pictures without a common size, if no resolution is given. */
export class NoCommonSize extends UserError {
  constructor(message: string) {
    super(message, { remedy: 'scale and crop them all with `resolution` 32' })
  }
}

/** Pictures in memory, as bytes, planar. */
export interface Dataset extends PictureShape {
  /** Where it came from: `iconify:fluent-emoji-flat`, or `iconify:fluent-emoji-flat (Activities, Flags)`. */
  name: string
  count: number
  /** The files of least and most pixels, by the sizes they had before they were scaled. */
  sizes?: { smallest: PictureSize; largest: PictureSize }
  /** [count, channels, height, width], backed by a SharedArrayBuffer, so that workers share it. */
  pixels: Uint8Array
  /** One caption per picture (text condition); empty where there is none. */
  names?: string[]
  /** Where captions come from, for people: `metadata.jsonl`. */
  namesFrom?: string
  /** Per picture the words for its style: with several icon sets, the name of its set ("noto"). */
  styles?: string[]
  /** Class condition: the classes' names, and for every picture [count] the index of its class. */
  classes?: string[]
  labels?: Int32Array
  /** Where classes come from, for people: `folders`. */
  classesFrom?: string
  /** Licence of the pictures, if their source tells it: `MIT AND Apache-2.0`. */
  license?: string
  /** Pictures that could not be read or are left out, and why. */
  skipped: { file: string; reason: string }[]
  /** What was done with the pictures when they were read, for people: `set upright`. */
  notes?: string[]
  /** What was not understood or is only used in part: one sentence each. */
  warnings?: string[]
  /** Hash of shape, names, classes, pixels and labels: identifies the data in provenance. Hexadecimal. */
  sha256: string
  /** The test split, if the source has one (MNIST's t10k). */
  test?: Dataset
}

export interface DataOptions {
  /**
   * Size of the pictures, which are scaled to cover it and cropped to their middle: a number is the side of a square. From the
   * pictures themselves if not given; 32 for iconify.
   */
  resolution?: number | PictureSize
  /** 1 for grey, 3 for colour. From the pictures themselves if not given. */
  channels?: 1 | 3
  /** Iconify only: the categories to keep, in any letter case. */
  category?: string[]
  /** Archives only: which picture of a sample is taken, `left` for `0001.left.png`. */
  part?: string
  /** Most pictures to take, spread evenly over the set; from a tar archive, the first ones. */
  limit?: number
  /** Called as pictures are read. Where the total is not known beforehand (tar), it is an estimate. */
  onProgress?(done: number, total: number): void
}

/** The options as loaders get them: a size has one form. */
export interface LoadOptions extends DataOptions {
  resolution?: PictureSize
}

/** Most bytes that a decoded set may take. */
export const MAX_BYTES = 2 ** 32

/**
 * Zeroed memory for [count, channels, height, width] bytes that workers can share.
 *
 * @throws UserError if that is more than 4 GiB, or more than this machine has.
 */
export const allocatePixels = (name: string, count: number, shape: PictureShape): Uint8Array => {
  checkSize(name, count, shape)
  try {
    return new Uint8Array(new SharedArrayBuffer(count * sizeOf(shape)))
  } catch (cause) {
    const size = gibibytes(count * sizeOf(shape))
    throw new UserError(`not enough memory for the pictures of ${name}: ${size}`, { remedy: SMALLER, cause })
  }
}

/** @throws UserError if [count, channels, height, width] is more than 4 GiB. */
export const checkSize = (name: string, count: number, shape: PictureShape): void => {
  const bytes = count * sizeOf(shape)
  if (bytes > MAX_BYTES) {
    const { channels, height, width } = shape
    const found = `${count} × ${channels} × ${height} × ${width} bytes are ${gibibytes(bytes)}`
    throw new UserError(`${name} is too large to hold in memory: ${found}, at most ${gibibytes(MAX_BYTES)}`, {
      remedy: SMALLER,
    })
  }
}

const SMALLER = 'choose a smaller `resolution`, or fewer pictures'
const gibibytes = (bytes: number): string => `${Number((bytes / 2 ** 30).toFixed(2))} GiB`

/** Completes a dataset with its hash. */
export const sealed = (parts: Omit<Dataset, 'sha256'>): Dataset => ({ ...parts, sha256: hashOf(parts) })

const hashOf = ({
  count,
  channels,
  height,
  width,
  pixels,
  names,
  styles,
  classes,
  labels,
}: Omit<Dataset, 'sha256'>) => {
  const hash = createHash('sha256')
  hash.update(JSON.stringify({ shape: [count, channels, height, width], names, styles, classes }))
  // Node hashes less than 2 GiB at a time.
  for (let at = 0; at < pixels.length; at += 2 ** 30) hash.update(pixels.subarray(at, at + 2 ** 30))
  if (labels) hash.update(littleEndian(labels))
  return hash.digest('hex')
}

const littleEndian = (labels: Int32Array): Uint8Array => {
  const view = new DataView(new ArrayBuffer(labels.length * 4))
  for (const [i, label] of labels.entries()) view.setInt32(i * 4, label, true)
  return new Uint8Array(view.buffer)
}

/** At most `limit` of the items, spread evenly over them, in their order. */
export const spread = <T>(items: readonly T[], limit = items.length): T[] => {
  const count = Math.min(limit, items.length)
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]!)
}

/** Order of code units: the same on every machine, whatever its language. */
export const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
