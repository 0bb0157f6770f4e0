/** Decides when a model's quality is measured during a training, and which of its weights are kept. */
import { betterBeyondNoise } from '../metrics/index.js'
import type { Check } from './state.js'

/** The first of the checks with the lowest score: the one whose weights the state holds. */
export const bestOf = (checks: readonly Check[]): Check =>
  checks.reduce((best, one) => (one.score < best.score ? one : best))

/**
 * Whether the weights of the best check replace the final ones, which the last check measured. Only if they are better
 * beyond the noise: the final weights have learned the longest, and the best of several equally good ones is the one
 * whose noise was the kindest.
 */
export const earlierIsBetter = (checks: readonly Check[]): boolean => {
  const last = checks.at(-1)
  if (!last) return false
  const best = bestOf(checks)
  // Checks made by an older version, before the run was stopped, cannot be compared with new ones.
  return best.scores.length === last.scores.length && betterBeyondNoise(best.scores, last.scores)
}

/** Whether the quality is measured after this step: `checks` times in even steps, and at the end. */
export const isCheck = (step: number, steps: number, checks: number): boolean =>
  Math.floor((step * checks) / steps) > Math.floor(((step - 1) * checks) / steps)
