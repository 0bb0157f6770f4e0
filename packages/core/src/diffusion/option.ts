/** What the options of an objective may be, beside their defaults. An option of one name means one thing in every method. */

export interface Option<Value = unknown> {
  readonly default: Value
  /** What a value must be, in words that follow "must be". */
  readonly expected: string
  /** The values that there are, if they can be listed. */
  readonly choices?: readonly string[]
  /** Whether a value is what it must be. */
  allows(value: unknown): boolean
  /** What a person wrote, as a value that may not be allowed. */
  read(text: string): unknown
}

/** Options, each with its default and its rule. */
export type Rules<Options extends object> = { readonly [Name in keyof Options]: Option<Options[Name]> }

/** The bounds of a number: `least` and `most` are allowed themselves, `above` and `below` are not. */
type Bounds =
  | { readonly least: number; readonly most: number }
  | { readonly above: number; readonly below?: number }

const isWithin = (value: number, bounds: Bounds): boolean => {
  if ('least' in bounds) return value >= bounds.least && value <= bounds.most
  const { above, below = Number.POSITIVE_INFINITY } = bounds
  return value > above && value < below
}

const inWords = (bounds: Bounds): string => {
  if ('least' in bounds) return `from ${bounds.least} to ${bounds.most}`
  const { above, below } = bounds
  return below === undefined ? `above ${above}` : `above ${above} and below ${below}`
}

const readNumber = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text))

/** Any number within the bounds. */
export const number = (value: number, bounds: Bounds): Option<number> => ({
  default: value,
  expected: `a number ${inWords(bounds)}`,
  allows: (given) => typeof given === 'number' && Number.isFinite(given) && isWithin(given, bounds),
  read: readNumber,
})

/** A share of something: from 0 to 1. */
export const share = (value: number): Option<number> => number(value, { least: 0, most: 1 })

const COUNT = { least: 1, most: 1e6 }

/** A whole number: from 1 to a million, unless the bounds say otherwise. */
export const whole = (value: number, bounds: { least?: number; most?: number } = {}): Option<number> => {
  const within = { ...COUNT, ...bounds }
  return {
    ...number(value, within),
    expected: `a whole number ${inWords(within)}`,
    allows: (given) => Number.isInteger(given) && isWithin(given as number, within),
  }
}

/** One whole number or several, from 1 to a million. */
export const wholes = (value: readonly number[]): Option<readonly number[]> => {
  const one = whole(1)
  return {
    default: value,
    expected: `whole numbers ${inWords(COUNT)}, separated by commas`,
    allows: (given) => Array.isArray(given) && given.length > 0 && given.every(one.allows),
    read: (text) => text.split(',').map(readNumber),
  }
}

export const flag = (value: boolean): Option<boolean> => ({
  default: value,
  expected: 'true or false',
  choices: ['true', 'false'],
  allows: (given) => typeof given === 'boolean',
  read: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
})

/** One of several words. */
export const choice = <const Word extends string>(value: Word, choices: readonly Word[]): Option<Word> => ({
  default: value,
  expected: `one of ${choices.join(', ')}`,
  choices,
  allows: (given) => choices.some((one) => one === given),
  read: (text) => text,
})
