import { checkDims, checkFeatures, type Features, rowsOf } from './features.js'
import { eachDistance } from './products.js'

/** A picture is a copy if the nearest training picture is less than this share as far as the next one. */
const CLEARLY = 0.5

/**
 * Share of samples that nearly copy a training picture: the nearest is less than half as far, in pixels (RMS), as the
 * nearest of the others. Equal training pictures count as one. real [n, pixels], samples [m, pixels].
 *
 * @returns in [0, 1]; 1 for training pictures themselves; null with fewer than two different training pictures.
 * @throws UserError if there are no samples, or a pixel is not finite.
 */
export const copies = (real: Features, samples: Features): number | null => {
  checkDims(real, samples)
  checkFeatures(real, 1)
  checkFeatures(samples, 1)
  const others = distinct(real)
  if (others.count < 2) return null
  const nearest = new Float64Array(samples.count).fill(Number.POSITIVE_INFINITY)
  const next = new Float64Array(samples.count).fill(Number.POSITIVE_INFINITY)
  eachDistance(others, samples, (_, j, distance) => {
    if (distance < nearest[j]!) {
      next[j] = nearest[j]!
      nearest[j] = distance
    } else if (distance < next[j]!) next[j] = distance
  })
  let found = 0
  for (let j = 0; j < samples.count; j++) if (nearest[j]! < CLEARLY ** 2 * next[j]!) found++
  return found / samples.count
}

const known = new WeakMap<Features, Features>()

/** The different rows of a set, which are kept with it. */
const distinct = (set: Features): Features => {
  const found = known.get(set) ?? differentRows(set)
  known.set(set, found)
  return found
}

const differentRows = (set: Features): Features => {
  const { data, count, dims } = set
  const alike = new Map<string, number[]>()
  const rows: number[] = []
  const equal = (a: number, b: number) => {
    for (let d = 0; d < dims; d++) if (data[a * dims + d] !== data[b * dims + d]) return false
    return true
  }
  for (let i = 0; i < count; i++) {
    // Few different rows have one sum of values and squares: only those are compared.
    let [sum, squares] = [0, 0]
    for (let d = 0; d < dims; d++) {
      sum += data[i * dims + d]!
      squares += data[i * dims + d]! ** 2
    }
    const key = `${sum} ${squares}`
    const candidates = alike.get(key) ?? []
    if (candidates.some((other) => equal(other, i))) continue
    alike.set(key, [...candidates, i])
    rows.push(i)
  }
  return rows.length === count ? set : rowsOf(set, rows)
}
