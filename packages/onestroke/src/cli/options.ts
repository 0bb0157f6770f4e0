/** Options that several commands share, and how their values are read. */
import { readSeed, SEED_RULE } from '@onestroke/core/pipeline'
import { STORAGES } from '@onestroke/core/tensor'
import { InvalidArgumentError, Option } from 'commander'

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

/** Gathers an option that may be given several times. */
export const gathered = (text: string, all: readonly string[] = []): string[] => [...all, text]

/** An option that may be given several times. @param usual what there is without it, in words. */
export const several = (flags: string, about: string, usual = 'none'): Option =>
  new Option(flags, about).argParser(gathered).default([], usual)

/** Names with their lines of help: `fp32: as they were trained; fp16: half the bytes`. */
export const listed = (help: Readonly<Record<string, string>>): string =>
  Object.entries(help)
    .map(([name, about]) => `${name}: ${about}`)
    .join('; ')

/** `--dtype`. @param about what is stored so. */
export const dtypeOption = (about: string): Option =>
  new Option('--dtype <type>', `${about}. ${listed(STORAGES)}`).choices(Object.keys(STORAGES)).default('fp16')
