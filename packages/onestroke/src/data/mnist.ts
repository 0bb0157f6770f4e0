/** A folder in MNIST's format: train-images-idx3-ubyte, train-labels-idx1-ubyte and t10k-…, each as it is or gzipped. */
import { UserError } from '@onestroke/core/formats'
import sharp from 'sharp'
import { allocatePixels, checkSize, type DataOptions, type Dataset, sealed, spread } from './dataset.js'
import { readIdx } from './idx.js'

/** Pixels that are worked on at a time. */
const CHUNK_PIXELS = 2 ** 20

/**
 * Reads a folder in MNIST's format. Pictures are padded with black to `resolution`: unless given, the next power of
 * two, for networks to halve (28 → 32). They are scaled down only where `resolution` is smaller than they are.
 *
 * @throws UserError that names the file, what was expected and what was found.
 */
export const loadMnist = async (
  directory: string,
  name: string,
  options: DataOptions = {},
): Promise<Dataset> => {
  const train = await readSplit(directory, 'train')
  if (!train) throw missing(directory, 'train-images-idx3-ubyte')
  const test = await readSplit(directory, 't10k')
  const highest = [train, test].reduce((most, split) => split?.labels.reduce(max, most) ?? most, 0)
  const classes = Array.from({ length: highest + 1 }, (_, label) => `${label}`)
  const trainSet = await datasetOf(train, name, classes, options)
  if (!test) return trainSet
  const resolution = trainSet.height
  return { ...trainSet, test: await datasetOf(test, `${name} t10k`, classes, { ...options, resolution }) }
}

const max = (a: number, b: number) => Math.max(a, b)

interface Split {
  images: Uint8Array
  count: number
  height: number
  width: number
  labels: Uint8Array
}

/** Undefined if there are no images. */
const readSplit = async (directory: string, split: 'train' | 't10k'): Promise<Split | undefined> => {
  const images = await readIdx(directory, `${split}-images-idx3-ubyte`, 3)
  if (!images) return undefined
  const labels = await readIdx(directory, `${split}-labels-idx1-ubyte`, 1)
  if (!labels) throw missing(directory, `${split}-labels-idx1-ubyte`)
  const [count = 0, height = 0, width = 0] = images.shape
  if (labels.data.length !== count)
    throw new UserError(
      `${images.file} holds ${count} images, but ${labels.file} holds ${labels.data.length} labels`,
    )
  if (images.data.length === 0)
    throw new UserError(`${images.file} holds no images (${images.shape.join('×')})`)
  return { images: images.data, count, height, width, labels: labels.data }
}

const missing = (directory: string, file: string): UserError =>
  new UserError(`there is no ${file} (or ${file}.gz) in ${directory}`)

const datasetOf = async (
  split: Split,
  name: string,
  classes: string[],
  options: DataOptions,
): Promise<Dataset> => {
  const { images, height, width, labels } = split
  const { limit, channels = 1, onProgress } = options
  const native = Math.max(height, width)
  const side = options.resolution ?? 2 ** Math.ceil(Math.log2(native))
  checkSize(name, 3, 1, Math.max(side, native))
  const chosen = spread([...labels.keys()], limit)
  const pixels = allocatePixels(name, chosen.length, channels, side)
  const plane = side * side
  const step = Math.max(1, Math.floor(CHUNK_PIXELS / native ** 2))
  for (let first = 0; first < chosen.length; first += step) {
    const chunk = chosen.slice(first, first + step)
    const padded = chunk.map((index) => {
      const image = images.subarray(index * height * width, (index + 1) * height * width)
      return padTo(Math.max(side, native), image, height, width)
    })
    const pictures = side < native ? await reduce(padded, native, side) : padded
    for (const [i, picture] of pictures.entries())
      for (let c = 0; c < channels; c++) pixels.set(picture, ((first + i) * channels + c) * plane)
    onProgress?.(first + chunk.length, chosen.length)
  }
  return sealed({
    name,
    count: chosen.length,
    channels,
    height: side,
    width: side,
    pixels,
    classes,
    labels: Int32Array.from(chosen, (index) => labels[index]!),
    skipped: [],
  })
}

/** The picture in the middle of a black square. */
const padTo = (side: number, image: Uint8Array, height: number, width: number): Uint8Array => {
  if (height === side && width === side) return image
  const padded = new Uint8Array(side * side)
  const top = Math.floor((side - height) / 2)
  const left = Math.floor((side - width) / 2)
  for (let y = 0; y < height; y++)
    padded.set(image.subarray(y * width, (y + 1) * width), (top + y) * side + left)
  return padded
}

/**
 * Scales square pictures down, all in one strip: sharp's cost lies in the call. Above and below each its border is
 * repeated for a picture's height, so that it knows no neighbours and starts on a whole pixel of the smaller grid.
 */
const reduce = async (pictures: readonly Uint8Array[], from: number, to: number): Promise<Uint8Array[]> => {
  const lines = pictures.length * 3
  const strip = new Uint8Array(lines * from * from)
  for (let line = 0; line < lines * from; line++) {
    const picture = pictures[Math.floor(line / (3 * from))]!
    const y = Math.min(Math.max((line % (3 * from)) - from, 0), from - 1)
    strip.set(picture.subarray(y * from, (y + 1) * from), line * from)
  }
  const raw = { width: from, height: lines * from, channels: 1 } as const
  const reduced = await sharp(strip, { raw, limitInputPixels: false })
    .resize(to, lines * to, { fit: 'fill', kernel: 'lanczos3' })
    .toColourspace('b-w')
    .raw()
    .toBuffer()
  return pictures.map((_, i) => reduced.subarray((3 * i + 1) * to * to, (3 * i + 2) * to * to))
}
