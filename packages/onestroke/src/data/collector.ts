import { UserError } from '@onestroke/core/errors'
import {
  isSameSize,
  type PictureShape,
  type PictureSize,
  pixelsOf,
  sizeOf,
  sizeText,
} from '@onestroke/core/picture'
import {
  allocatePixels,
  byCodeUnit,
  checkSize,
  type Dataset,
  type LoadOptions,
  NoCommonSize,
} from './dataset.js'
import { type Decoded, type Outcome, toPlanar } from './decode.js'
import { PICTURE_EXTENSIONS } from './picture-name.js'

/** The part of a dataset that depends on the pictures alone, and the file of every picture. */
export type Collected = Pick<
  Dataset,
  'count' | 'channels' | 'height' | 'width' | 'pixels' | 'skipped' | 'sizes'
> & {
  files: string[]
}

/** Gathers decoded pictures of one size into one block of memory. */
export class Collector {
  readonly #pictures: { file: string; channels: 1 | 3; pixels: Uint8Array }[] = []
  readonly #skipped: Dataset['skipped'] = []
  #sizes: Dataset['sizes']
  #first: { file: string; picture: Decoded } | undefined

  /** @param source what errors call the set; `expected` is the number of files, if it is known. */
  constructor(
    readonly source: string,
    readonly options: LoadOptions,
    readonly expected = 1,
  ) {
    const { resolution, channels = 1 } = options
    if (resolution !== undefined) checkSize(source, expected, { channels, ...resolution })
  }

  /** Files seen so far. */
  get seen(): number {
    return this.#pictures.length + this.#skipped.length
  }

  /** @throws UserError if the picture does not fit those before it, or if there are too many. */
  add(file: string, outcome: Outcome): void {
    if ('reason' in outcome) {
      this.skip(file, outcome.reason)
      return
    }
    const { picture } = outcome
    this.#first ??= { file, picture }
    this.#checkFit(file, picture, this.#first)
    const { channels, pixels } = picture
    this.#pictures.push({ file, channels, pixels })
    this.#sizes = withSize(this.#sizes, picture.original)
    checkSize(this.source, Math.max(this.expected, this.#pictures.length), picture)
  }

  skip(file: string, reason: string): void {
    this.#skipped.push({ file, reason })
  }

  #checkFit(file: string, picture: Decoded, first: { file: string; picture: Decoded }): void {
    if (isSameSize(picture, first.picture)) return
    const sizes = `${first.file} is ${sizeText(first.picture)}, ${file} is ${sizeText(picture)}`
    throw new NoCommonSize(`the pictures differ in size: ${sizes}`)
  }

  /**
   * All pictures, sorted by file. Grey ones get three channels unless all are grey.
   *
   * @throws UserError if there is none.
   */
  finish(): Collected {
    const pictures = this.#pictures.splice(0).sort((a, b) => byCodeUnit(a.file, b.file))
    const skipped = this.#skipped.sort((a, b) => byCodeUnit(a.file, b.file))
    if (!this.#first) throw nothingIn(this.source, skipped)
    const count = pictures.length
    const { height, width } = this.#first.picture
    const channels = this.options.channels ?? (pictures.every((picture) => picture.channels === 1) ? 1 : 3)
    const shape: PictureShape = { channels, height, width }
    const pixels = allocatePixels(this.source, count, shape)
    const size = sizeOf(shape)
    for (const [i, picture] of pictures.entries())
      toPlanar(picture.pixels, picture.channels, pixels.subarray(i * size, (i + 1) * size), channels)
    const files = pictures.map(({ file }) => file)
    return {
      count,
      ...shape,
      pixels,
      skipped,
      files,
      sizes: this.#sizes,
    }
  }
}

/** The range of sizes, with one more. */
const withSize = (sizes: Dataset['sizes'], size: PictureSize): Dataset['sizes'] => {
  if (!sizes) return { smallest: size, largest: size }
  return {
    smallest: pixelsOf(size) < pixelsOf(sizes.smallest) ? size : sizes.smallest,
    largest: pixelsOf(size) > pixelsOf(sizes.largest) ? size : sizes.largest,
  }
}

/** Why a set is empty. */
export const nothingIn = (source: string, skipped: Dataset['skipped']): UserError => {
  const [first] = skipped
  if (!first)
    return new UserError(`no pictures in ${source}`, {
      remedy: `a picture's name ends in ${[...PICTURE_EXTENSIONS].map((end) => `.${end}`).join(', ')}`,
    })
  const found = `${skipped.length} skipped, the first ${first.file} (${first.reason})`
  return new UserError(`no readable pictures in ${source}: ${found}`)
}
