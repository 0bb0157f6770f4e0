/** DATA on the command line. Apart from other options, because it loads all kinds of data: commands without DATA start sooner. */
import { type PictureSize, readSize } from '@onestroke/core/picture'
import { type Command, Help, InvalidArgumentError, Option } from 'commander'
import { DATA_KINDS, type DataOptions, type OwnOption } from '../data/index.js'

const list = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

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
