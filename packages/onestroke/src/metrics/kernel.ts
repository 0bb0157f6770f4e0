import { permutation, STREAM } from '@onestroke/core/random'
import { checkDims, checkFeatures, type Features, rowsOf } from './features.js'
import { eachProduct, eachProductWithin } from './products.js'

/** Rows of both sets together up to which all pairs cost no more than the customary hundred subsets. */
const ALL_PAIRS = 20_000
const SUBSETS = 100
const SUBSET_SIZE = 1000

export interface KernelOptions {
  /** Seed of the subsets. */
  readonly seed?: number
  /** Take the mean over so many random subsets, instead of the default that `kernelDistance` tells. */
  readonly subsets?: number
  /** Rows of each set in a subset; fewer if the set has fewer. */
  readonly subset_size?: number
}

/**
 * Kernel distance: the unbiased estimate of the squared maximum mean discrepancy under the kernel (x·y / dims + 1)³
 * (Bińkowski et al. 2018, eq. 4).
 *
 * By default over all pairs of rows where the sets have at most 20,000 rows together, which is the estimate of least
 * variance; beyond, the mean over 100 random subsets of 1000 rows of each (without replacement within a subset), a pure
 * function of the seed. Both estimate the same number. The term that depends on set a alone, at least half of the time, is cached for
 * the next time.
 *
 * @returns around 0, and possibly below, for sets of one distribution; not multiplied by 1000.
 * @throws UserError if a set has fewer than two rows, a feature is not finite, or the features differ in length.
 */
export const kernelDistance = (a: Features, b: Features, options: KernelOptions = {}): number => {
  checkDims(a, b)
  checkFeatures(a)
  checkFeatures(b)
  if (options.subsets === undefined && a.count + b.count <= ALL_PAIRS)
    return meanOf(a, 'all', a) + meanWithin(b) - 2 * meanBetween(a, b)
  const { seed = 0, subsets = SUBSETS, subset_size = SUBSET_SIZE } = options
  if (!Number.isInteger(subsets) || subsets < 1)
    throw new RangeError(`subsets: expected an integer ≥ 1, found ${subsets}`)
  if (!Number.isInteger(subset_size) || subset_size < 2)
    throw new RangeError(`subset_size: expected an integer ≥ 2, found ${subset_size}`)
  const pick = (features: Features, step: number, index: number): Features => {
    if (features.count <= subset_size) return features
    const order = permutation(features.count, { seed, stream: STREAM.resample, step, index })
    return rowsOf(features, order.subarray(0, subset_size))
  }
  let sum = 0
  for (let step = 0; step < subsets; step++) {
    const [some, others] = [pick(a, step, 0), pick(b, step, 1)]
    const which = some === a ? 'all' : `${subset_size} of ${seed}, ${step}`
    const between = meanBetween(some, others)
    sum += meanOf(a, which, some) + meanOf(b, others === b ? 'all' : undefined, others) - 2 * between
  }
  return sum / subsets
}

/** Mean of the kernel over pairs of rows of two sets. */
const meanBetween = (a: Features, b: Features): number => {
  let sum = 0
  eachProduct(a, b, (_i, _j, product) => {
    sum += kernel(product, a.dims)
  })
  return sum / (a.count * b.count)
}

const means = new WeakMap<Features, Map<string, number>>()

/** Mean of the kernel within rows of a set, which is kept with it under the name of these rows, if they have one. */
const meanOf = (set: Features, which: string | undefined, rows: Features): number => {
  if (which === undefined) return meanWithin(rows)
  const known = means.get(set) ?? new Map<string, number>()
  const mean = known.get(which) ?? meanWithin(rows)
  means.set(set, known.set(which, mean))
  return mean
}

/** Over pairs of different rows. */
const meanWithin = (a: Features): number => {
  let sum = 0
  eachProductWithin(a, (_i, _j, product) => {
    sum += kernel(product, a.dims)
  })
  return (2 * sum) / (a.count * (a.count - 1))
}

const kernel = (product: number, dims: number): number => {
  const base = product / dims + 1
  return base * base * base
}
