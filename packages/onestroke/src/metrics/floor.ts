import { UserError } from '@onestroke/core/formats'
import { permutation, STREAM } from '@onestroke/core/random'
import { type Features, rowsOf } from './features.js'
import { frechetDistance } from './frechet.js'
import { kernelDistance } from './kernel.js'

/** Random splits whose mean is taken. */
const SPLITS = 4

/**
 * What real pictures score against real ones, below which no model is expected to come: the training set against the
 * test set where there is one, else one random half of the pictures against the other, as the mean over four splits.
 * A pure function of its arguments.
 *
 * Fréchet distances grow as counts shrink, so the floor of halves lies above that of as many pictures as the model is
 * judged by.
 *
 * @returns fid ≥ 0; kid around 0 and possibly below.
 * @throws UserError what `frechetDistance` and `kernelDistance` throw, and for fewer than four pictures to halve.
 */
export const floor = (
  real: Features,
  { test, seed = 0 }: { test?: Features; seed?: number } = {},
): { fid: number; kid: number } => {
  if (test) return { fid: frechetDistance(real, test), kid: kernelDistance(real, test, { seed }) }
  if (real.count < 4)
    throw new UserError(`expected the features of at least 4 pictures to halve, found ${real.count}`)
  const half = real.count >> 1
  const sum = { fid: 0, kid: 0 }
  for (let step = 0; step < SPLITS; step++) {
    const order = permutation(real.count, { seed, stream: STREAM.resample, step, index: 2 })
    const [a, b] = [rowsOf(real, order.subarray(0, half)), rowsOf(real, order.subarray(half))]
    sum.fid += frechetDistance(a, b)
    sum.kid += kernelDistance(a, b, { seed })
  }
  return { fid: sum.fid / SPLITS, kid: sum.kid / SPLITS }
}
