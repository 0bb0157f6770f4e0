/** Compares two results that were measured from the same noises, so that what a noise does to both cancels out. */

export interface PairedLogRatio {
  /** Mean of log(aᵢ / bᵢ): below 0 where a's are lower; −0.1 is about 10 % lower. */
  readonly mean: number
  /** Standard error of that mean; null with fewer than two pairs, which say nothing about it. */
  readonly error: number | null
}

/**
 * Compares positive scores that were measured pair by pair, one pair for each noise seed.
 *
 * @throws RangeError if there are not equally many.
 */
export const pairedLogRatio = (a: readonly number[], b: readonly number[]): PairedLogRatio => {
  if (a.length !== b.length) throw new RangeError(`${a.length} scores cannot be paired with ${b.length}`)
  const ratios = a.map((value, i) => Math.log(value / b[i]!))
  const n = ratios.length
  const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / n
  if (n < 2) return { mean, error: null }
  const variance = ratios.reduce((sum, ratio) => sum + (ratio - mean) ** 2, 0) / (n - 1)
  return { mean, error: Math.sqrt(variance / n) }
}

/** Standard errors that a difference must exceed; `betterBeyondNoise` says why. */
const BEYOND = 2

/**
 * Whether a is better (lower) than b by more than the noise seeds explain: by more than two standard errors of the mean
 * paired log-ratio. One seed never tells.
 *
 * Without any true difference, mean / error follows Student's t with n − 1 degrees of freedom. It exceeds 2 with
 * probability 15 % for 2 seeds, 9 % for 3 and 7 % for 4; it would exceed 1 with 25, 21 and 20 %. Here a is mostly the
 * best of several, and b can stay at no cost, so one standard error would let luck decide too often. With two seeds, the
 * rule says: a is better on both, and on neither by more than three times as much (in the logarithm) as on the other.
 */
export const betterBeyondNoise = (a: readonly number[], b: readonly number[]): boolean => {
  const { mean, error } = pairedLogRatio(a, b)
  return error !== null && mean < -BEYOND * error
}
