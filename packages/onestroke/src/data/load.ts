import { UserError } from '@onestroke/core/errors'
import { type PictureSize, square } from '@onestroke/core/picture'
import type { DataOptions, Dataset, LoadOptions } from './dataset.js'
import { DATA_KINDS, type DataKind, KINDS, OWN_OPTIONS, type OwnOption } from './kinds.js'
import { NoData } from './paths.js'

const MAX_RESOLUTION = 4096

/**
 * Reads pictures into memory. `spec` names one of `DATA_KINDS`.
 * The same spec and files give the same dataset, in the same order.
 *
 *     const { pixels, names } = await loadDataset('iconify:fluent-emoji-flat', { resolution: 16 })
 *
 * @throws UserError that says what is missing, malformed or too large.
 */
export async function loadDataset(spec: string, asked: DataOptions = {}): Promise<Dataset> {
  const [kind, place] = kindOf(spec)
  checkOptions(kind, asked)
  const { resolution, ...others } = asked
  const options: LoadOptions =
    resolution === undefined ? others : { ...others, resolution: sizeAsked(resolution) }
  const remedy = `\`data\` is ${KINDS}`
  if (place === '') throw new UserError(`"${spec}" names no data`, { option: 'data', remedy })
  try {
    return await kind.load(place, options)
  } catch (error) {
    if (!(error instanceof NoData)) throw error
    throw new UserError(error.message, { option: error.option, cause: error.cause, remedy })
  }
}

/** The kind that a spec names, and the text behind its prefix. A spec without a known prefix is a path. */
const kindOf = (spec: string): [DataKind, string] => {
  const [, prefix, rest = ''] = /^([a-z]{2,}):(.*)$/s.exec(spec) ?? []
  const named = prefix === undefined ? undefined : DATA_KINDS.find((kind) => kind.prefix === prefix)
  return named ? [named, rest] : [DATA_KINDS.find((kind) => kind.prefix === undefined)!, spec]
}

/** A number is the side of a square. */
const sizeAsked = (resolution: number | PictureSize): PictureSize =>
  typeof resolution === 'number' ? square(resolution) : { height: resolution.height, width: resolution.width }

const checkOptions = (kind: DataKind, options: DataOptions): void => {
  const wrong = (option: string, text: string): never => {
    throw new UserError(text, { option })
  }
  const { resolution, channels, limit } = options
  const sides = resolution === undefined ? [] : Object.values(sizeAsked(resolution))
  for (const side of sides)
    if (!(Number.isInteger(side) && side >= 1 && side <= MAX_RESOLUTION))
      wrong('resolution', `\`resolution\`: sides are whole numbers from 1 to ${MAX_RESOLUTION}, not ${side}`)
  if (channels !== undefined && channels !== 1 && channels !== 3)
    wrong('channels', `\`channels\`: expected 1 or 3, found ${channels}`)
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1))
    wrong('limit', `\`limit\`: expected an integer ≥ 1, found ${limit}`)
  for (const option of Object.keys(OWN_OPTIONS) as OwnOption[]) {
    const given = options[option]
    if (given === undefined || given.length === 0 || kind.takes.includes(option)) continue
    const forms = DATA_KINDS.filter(({ takes }) => takes.includes(option)).map(({ form }) => form)
    wrong(option, `only ${forms.join(' and ')} has ${OWN_OPTIONS[option]}`)
  }
}
