/** A folder in MNIST's format: train-images-idx3-ubyte, train-labels-idx1-ubyte and t10k-…, each as it is or gzipped. */
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { UserError } from '@onestroke/core/errors'
import { isSameSize, type PictureSize, pixelsOf, square } from '@onestroke/core/picture'
import sharp from 'sharp'
import {
  allocatePixels,
  byCodeUnit,
  checkSize,
  type Dataset,
  type LoadOptions,
  sealed,
  spread,
} from './dataset.js'
import { readIdx } from './idx.js'
import { numbersOf } from './labels.js'
import { cannotRead } from './text.js'

/** Pixels that are worked on at a time. */
const CHUNK_PIXELS = 2 ** 20

/**
 * Reads a folder in MNIST's format. Pictures are padded with black to `resolution`: unless given, a square whose side is the next
 * power of two, for networks to halve (28 → 32). They are scaled down only where they are larger, and whole. EMNIST's files,
 * known by their name (`emnist-…`), hold rows and columns exchanged: their pictures are set upright.
 *
 * @throws UserError that names the file, what was expected and what was found.
 */
export const loadMnist = async (
  directory: string,
  name: string,
  options: LoadOptions = {},
): Promise<Dataset> => {
  const { files, isEmnist } = await filesIn(directory)
  const read = async (key: 'train' | 'test') => {
    const split = await readSplit(directory, files, key)
    return isEmnist ? transposed(split) : split
  }
  const train = await read('train')
  const test = files.test && (await read('test'))
  const classes = numbersOf([train.labels, test?.labels ?? []].flatMap(rangeOf))
  const trainSet = {
    ...(await datasetOf(train, name, classes, options)),
    ...(isEmnist && { notes: ['set upright (EMNIST’s files hold them transposed)'] }),
  }
  if (!test) return trainSet
  const { height, width } = trainSet
  const resolution = { height, width }
  return { ...trainSet, test: await datasetOf(test, `${name} t10k`, classes, { ...options, resolution }) }
}

/** The lowest and the highest of the labels. */
const rangeOf = (labels: ArrayLike<number>): number[] => {
  if (labels.length === 0) return []
  let [lowest, highest] = [255, 0]
  for (let i = 0; i < labels.length; i++) {
    lowest = Math.min(lowest, labels[i]!)
    highest = Math.max(highest, labels[i]!)
  }
  return [lowest, highest]
}

interface Split {
  images: Uint8Array
  count: number
  height: number
  width: number
  labels: Uint8Array
}

/** The files of a set, by what they hold. */
type Files = Partial<Record<'train' | 'test', Partial<Record<'images' | 'labels', string>>>>

/** `train-images-idx3-ubyte`, `emnist-letters-test-labels-idx1-ubyte.gz`, `t10k-images.idx3-ubyte`. */
const NAME = /^(.*?)[-_.]?(train|t10k|test)[-_.](images|labels)[-_.]idx[13][-_.]ubyte(?:\.gz)?$/i

/**
 * The files of a folder that are named as MNIST's are, or as programs that unpack them name them.
 *
 * @throws UserError if there are several sets, or none.
 */
const filesIn = async (directory: string): Promise<{ files: Files; isEmnist: boolean }> => {
  const sets = new Map<string, Files>()
  for (const name of (await namesIn(directory)).sort(byCodeUnit)) {
    const [, prefix = '', split = '', what = ''] = NAME.exec(name) ?? []
    if (what === '' || !(await stat(join(directory, name))).isFile()) continue
    const files = sets.get(prefix) ?? {}
    sets.set(prefix, files)
    const key = split.toLowerCase() === 'train' ? 'train' : 'test'
    files[key] ??= {}
    // Sorted, so that what is unpacked comes before what is not.
    files[key][what.toLowerCase() as 'images' | 'labels'] ??= join(directory, name)
  }
  const [[prefix, files] = ['', {}]] = sets
  if (sets.size > 1)
    throw new UserError(
      `${directory} holds several sets: ${[...sets.keys()].map((prefix) => prefix || 'train-…').join(', ')}`,
      {
        remedy: 'put each into a folder of its own',
      },
    )
  return { files, isEmnist: /^emnist(?![a-z])/i.test(prefix) }
}

const namesIn = async (directory: string): Promise<string[]> => {
  try {
    return await readdir(directory)
  } catch (cause) {
    throw cannotRead(directory, cause as NodeJS.ErrnoException)
  }
}

const readSplit = async (directory: string, files: Files, key: 'train' | 'test'): Promise<Split> => {
  const { images: imageFile, labels: labelFile } = files[key] ?? {}
  const example = key === 'train' ? 'train' : 't10k'
  if (imageFile === undefined) throw missing(directory, `${example}-images-idx3-ubyte`, files)
  if (labelFile === undefined) throw missing(directory, `${example}-labels-idx1-ubyte`, files)
  // Labels first: they are few, and tell how many images there may be.
  const labels = await readIdx(labelFile, 1)
  const images = await readIdx(imageFile, 3)
  const [count = 0, height = 0, width = 0] = images.shape
  if (labels.data.length !== count)
    throw new UserError(
      `${images.file} holds ${count} images, but ${labels.file} holds ${labels.data.length} labels`,
    )
  if (images.data.length === 0)
    throw new UserError(`${images.file} holds no images (${images.shape.join('×')})`)
  return { images: images.data, count, height, width, labels: labels.data }
}

/** The same pictures with rows and columns exchanged. */
const transposed = ({ images, count, height, width, labels }: Split): Split => {
  const upright = new Uint8Array(images.length)
  const plane = height * width
  for (let i = 0; i < count; i++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) upright[i * plane + x * height + y] = images[i * plane + y * width + x]!
  return { images: upright, count, height: width, width: height, labels }
}

const missing = (directory: string, file: string, files: Files): UserError => {
  const found = Object.values(files).flatMap((part) => Object.values(part))
  return new UserError(
    `there is no ${file} (or ${file}.gz) in ${directory}${found.length > 0 ? `, but ${found.map((path) => basename(path)).join(', ')}` : ''}`,
  )
}

const datasetOf = async (
  split: Split,
  name: string,
  classes: string[],
  options: LoadOptions,
): Promise<Dataset> => {
  const { images, height, width, labels } = split
  const { limit, channels = 1, onProgress } = options
  const size = options.resolution ?? square(2 ** Math.ceil(Math.log2(Math.max(height, width))))
  const frame = frameOf({ height, width }, size)
  checkSize(name, 3, { channels: 1, ...frame })
  const chosen = spread([...labels.keys()], limit)
  const pixels = allocatePixels(name, chosen.length, { channels, ...size })
  const plane = pixelsOf(size)
  const step = Math.max(1, Math.floor(CHUNK_PIXELS / pixelsOf(frame)))
  for (let first = 0; first < chosen.length; first += step) {
    const chunk = chosen.slice(first, first + step)
    const padded = chunk.map((index) => {
      const image = images.subarray(index * height * width, (index + 1) * height * width)
      return padTo(frame, image, { height, width })
    })
    const pictures = isSameSize(frame, size) ? padded : await reduce(padded, frame, size)
    for (const [i, picture] of pictures.entries())
      for (let c = 0; c < channels; c++) pixels.set(picture, ((first + i) * channels + c) * plane)
    onProgress?.(first + chunk.length, chosen.length)
  }
  return sealed({
    name,
    count: chosen.length,
    channels,
    ...size,
    pixels,
    classes,
    classesFrom: 'labels',
    labels: Int32Array.from(chosen, (index) => labels[index]! - Number(classes[0])),
    skipped: [],
  })
}

/** The size to which pictures are padded: the one asked for or, if the pictures are larger, one of its proportions around them. */
const frameOf = ({ height, width }: PictureSize, size: PictureSize): PictureSize => {
  if (height <= size.height && width <= size.width) return size
  const isWide = width * size.height >= height * size.width
  return isWide
    ? { height: Math.ceil((width * size.height) / size.width), width }
    : { height, width: Math.ceil((height * size.width) / size.height) }
}

/** The picture in the middle of a black frame. */
const padTo = (frame: PictureSize, image: Uint8Array, { height, width }: PictureSize): Uint8Array => {
  if (isSameSize(frame, { height, width })) return image
  const padded = new Uint8Array(pixelsOf(frame))
  const top = Math.floor((frame.height - height) / 2)
  const left = Math.floor((frame.width - width) / 2)
  for (let y = 0; y < height; y++)
    padded.set(image.subarray(y * width, (y + 1) * width), (top + y) * frame.width + left)
  return padded
}

/**
 * Scales pictures down, all in one strip: sharp's cost lies in the call. Above and below each its border is
 * repeated for a picture's height, so that it knows no neighbours and starts on a whole pixel of the smaller grid.
 */
const reduce = async (
  pictures: readonly Uint8Array[],
  from: PictureSize,
  to: PictureSize,
): Promise<Uint8Array[]> => {
  const lines = pictures.length * 3
  const strip = new Uint8Array(lines * pixelsOf(from))
  for (let line = 0; line < lines * from.height; line++) {
    const picture = pictures[Math.floor(line / (3 * from.height))]!
    const y = Math.min(Math.max((line % (3 * from.height)) - from.height, 0), from.height - 1)
    strip.set(picture.subarray(y * from.width, (y + 1) * from.width), line * from.width)
  }
  const raw = { width: from.width, height: lines * from.height, channels: 1 } as const
  const reduced = await sharp(strip, { raw, limitInputPixels: false })
    .resize(to.width, lines * to.height, { fit: 'fill', kernel: 'lanczos3' })
    .toColourspace('b-w')
    .raw()
    .toBuffer()
  const plane = pixelsOf(to)
  return pictures.map((_, i) => reduced.subarray((3 * i + 1) * plane, (3 * i + 2) * plane))
}
