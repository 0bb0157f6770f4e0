/** Options that several commands share, and how their values are read. */
import { type PictureSize, readSize } from '@onestroke/core/picture'
import { readSeed, SEED_RULE } from '@onestroke/core/pipeline'
import { type Command, InvalidArgumentError, Option } from 'commander'

export const integer =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text)
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`must be an integer ${range(least, most, Number.MAX_SAFE_INTEGER)}.`)
    return value
  }

/** A seed of pictures, or one that is drawn. */
export const seedNumber = (text: string): number => {
  const seed = readSeed(text)
  if (seed === undefined) throw new InvalidArgumentError(`must be ${SEED_RULE}.`)
  return seed
}

export const number =
  (least: number, most = Number.POSITIVE_INFINITY) =>
  (text: string): number => {
    const value = Number(text)
    if (text.trim() === '' || !Number.isFinite(value) || value < least || value > most)
      throw new InvalidArgumentError(`must be a number ${range(least, most, Number.POSITIVE_INFINITY)}.`)
    return value
  }

const range = (least: number, most: number, unbounded: number): string =>
  most === unbounded ? `from ${least} up` : `from ${least} to ${most}`

export const positive = (text: string): number => {
  const value = Number(text)
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('must be a positive number.')
  return value
}

/** Most steps that a sampler takes. */
export const MOST_STEPS = 10_000

export const stepCounts = (text: string): number[] =>
  text.split(',').map((item) => integer(1, MOST_STEPS)(item))

/** An option's parser that leaves the text as it is, if `check` does not throw. */
export const checked =
  (check: (text: string) => unknown) =>
  (text: string): string => {
    check(text)
    return text
  }

const list = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

/** Gathers an option that may be given several times. */
export const gathered = (text: string, all: readonly string[] = []): string[] => [...all, text]

const LEAST_SIDE = 8

/** `32`, or `384x256`: width before height. */
const pictureSize = (text: string): PictureSize => {
  const size = readSize(text)
  if (!size || Math.min(size.height, size.width) < LEAST_SIDE)
    throw new InvalidArgumentError(
      `must be a side in pixels, such as 32, or width and height, such as 384x256; sides are ${LEAST_SIDE} or more.`,
    )
  return size
}

/** How DATA is read. */
export const dataOptions = (command: Command): Command =>
  command
    .option(
      '--resolution <size>',
      'size of the pictures, which are scaled to cover it, and cropped to their middle: 32 is a square, 384x256 wide',
      pictureSize,
    )
    .addOption(new Option('--channels <count>', '1 for grey, 3 for colour').choices(['1', '3']))
    .option('--category <names>', 'for iconify: only these categories, separated by commas', list)
    .option(
      '--part <name>',
      'for tar, if samples have several pictures: which one is taken, left for NAME.left.png',
    )

export interface DataFlags {
  resolution?: PictureSize
  channels?: '1' | '3'
  category?: string[]
  part?: string
}

export const DATA_HELP = `
DATA is one of
  iconify:NAME[,NAME…]  pictures and names of an installed @iconify-json set, for instance iconify:fluent-emoji-flat
  DIR                   a folder of pictures: class sub-folders, or captions in NAME.txt, .caption or .json beside
                        NAME.png, or in metadata.jsonl or metadata.csv; train/ and test/ are splits, not classes
  idx:DIR               MNIST's format: train-images-idx3-ubyte[.gz] and train-labels-idx1-ubyte[.gz]
  tar:FILE[,FILE…]      WebDataset archives: 0001.png, 0001.txt or 0001.cls, …; also tar:DIR, tar:{00000..00012}.tar, tar:*.tar`
