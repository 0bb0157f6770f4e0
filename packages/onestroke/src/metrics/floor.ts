/**
 * Real pictures in place of samples: what a model is compared with. Drawn at equal counts, never half against half,
 * because Fréchet distances grow as counts shrink.
 *
 * These floors are of a sampler that draws training pictures at random; they are no lower bound. An exact copy of the
 * training set has a Fréchet distance of 0, and each prompt once is nearer to it than a random draw: distances alone
 * cannot tell a model that replays its training pictures from one that learned them.
 */
import { Random, STREAM } from '@onestroke/core/random'

/** Identifies a draw, which is a pure function of both numbers. */
export interface DrawKey {
  readonly seed: number
  /** Number of the draw with one seed. */
  readonly step?: number
}

/** For each sample one of the pictures 0 … count − 1, drawn independently, with replacement. */
export const drawAny = (count: number, samples: number, { seed, step = 0 }: DrawKey): Uint32Array => {
  const random = new Random({ seed, stream: STREAM.resample, step, index: 3 })
  return Uint32Array.from({ length: samples }, () => random.integer(count))
}

/**
 * For each sample one of the pictures of its name, drawn independently. `expected[j]` is a picture of sample j's name,
 * and `groups[i]` says which pictures i have one name.
 */
export const drawSameName = (
  expected: ArrayLike<number>,
  groups: ArrayLike<number>,
  { seed, step = 0 }: DrawKey,
): Uint32Array => {
  const random = new Random({ seed, stream: STREAM.resample, step, index: 4 })
  const members = new Map<number, number[]>()
  for (let i = 0; i < groups.length; i++) {
    const known = members.get(groups[i]!)
    if (known) known.push(i)
    else members.set(groups[i]!, [i])
  }
  return Uint32Array.from(expected, (named) => {
    const same = members.get(groups[named]!)!
    return same[random.integer(same.length)]!
  })
}
