/** Seeds as people and programs write them: one rule, wherever one is asked for. */
import { MOST_SEED } from './checks.js'

/** What a seed is, for help and for refusals. */
export const SEED_RULE = `a whole number from 0 to ${MOST_SEED}, or -1 or random, which draw one`

/** A seed at random, from 0 to `MOST_SEED`. */
export const drawSeed = (): number => Math.floor(Math.random() * (MOST_SEED + 1))

/**
 * The seed that a text means: its number, or one that is drawn where it is `-1` or `random`.
 *
 * @returns undefined if it is no seed; `SEED_RULE` says what is.
 */
export const readSeed = (text: string, draw = drawSeed): number | undefined => {
  const written = text.trim()
  if (written === '-1' || written === 'random') return draw()
  const seed = Number(written)
  return written !== '' && Number.isInteger(seed) && seed >= 0 && seed <= MOST_SEED ? seed : undefined
}
