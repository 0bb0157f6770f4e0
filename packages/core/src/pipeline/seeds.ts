/** Reads seeds. The command line, the server and pages share this rule. */
import { MOST_SEED } from './checks.js'

/** The rule for seeds in words, for help and errors. */
export const SEED_RULE = `a whole number from 0 to ${MOST_SEED}, or -1 or random, which draw one`

/** A seed at random, from 0 to `MOST_SEED`. */
export const drawSeed = (): number => Math.floor(Math.random() * (MOST_SEED + 1))

/**
 * Reads a seed: the number in a text, or a drawn one for `-1` and `random`.
 *
 * @returns undefined if it is no seed; `SEED_RULE` says what is.
 */
export const readSeed = (text: string, draw = drawSeed): number | undefined => {
  const written = text.trim()
  if (written === '-1' || written === 'random') return draw()
  const seed = Number(written)
  return written !== '' && Number.isInteger(seed) && seed >= 0 && seed <= MOST_SEED ? seed : undefined
}
