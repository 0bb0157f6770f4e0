/** Options that several commands share, and how their values are read. */
import { type PictureSize, readSize } from '@onestroke/core/picture'
import { readSeed, SEED_RULE } from '@onestroke/core/pipeline'
import { STORAGES } from '@onestroke/core/tensor'
import { type Command, Help, InvalidArgumentError, Option } from 'commander'
import { DATA_KINDS, type DataOptions, type OwnOption } from '../data/index.js'

/** What reads numbers of a kind, from the least to the most, both of them included. */
const bounded =
  (kind: string, isOne: (value: number) => boolean) =>
  (least: number, most = Number.POSITIVE_INFINITY) =>
  (text: string): number => {
    const value = Number(text)
    if (text.trim() === '' || !isOne(value) || value < least || value > most) {
      const upwards = most === Number.POSITIVE_INFINITY ? 'up' : `to ${most}`
      throw new InvalidArgumentError(`must be ${kind} from ${least} ${upwards}.`)
    }
    return value
  }

export const integer = bounded('an integer', Number.isSafeInteger)
export const number = bounded('a number', Number.isFinite)

/** Reads a seed; -1 and random draw one. */
export const seedNumber = (text: string): number => {
  const seed = readSeed(text)
  if (seed === undefined) throw new InvalidArgumentError(`must be ${SEED_RULE}.`)
  return seed
}

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

/** Names with their lines of help: `fp32: as they were trained; fp16: half the bytes`. */
export const listed = (help: Readonly<Record<string, string>>): string =>
  Object.entries(help)
    .map(([name, about]) => `${name}: ${about}`)
    .join('; ')

/** `--dtype`. @param about what is stored so. */
export const dtypeOption = (about: string): Option =>
  new Option('--dtype <type>', `${about}. ${listed(STORAGES)}`).choices(Object.keys(STORAGES)).default('fp16')

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

export interface DataFlags extends Pick<DataOptions, OwnOption> {
  resolution?: PictureSize
  channels?: '1' | '3'
}

/** Columns of the text that follows the options. */
const WIDTH = 120

/** The kinds of DATA, each with its line of help beside its form. */
export const DATA_HELP = (() => {
  const forms = DATA_KINDS.map(({ form, more = '' }) => form + more)
  const indent = 2 + Math.max(...forms.map((form) => form.length)) + 2
  const lines = DATA_KINDS.map(({ about }, i) => {
    const text = new Help().boxWrap(about, WIDTH - indent).replaceAll('\n', `\n${' '.repeat(indent)}`)
    return `  ${forms[i]!}`.padEnd(indent) + text
  })
  return ['', 'DATA is one of', ...lines].join('\n')
})()
