/** Features for tests. */
import { readFileSync } from 'node:fs'
import { Random } from '@onestroke/core/random'
import fc from 'fast-check'
import type { Features } from './features.js'

/** Arguments of the formula that `fixtures/make.py` has too. */
export interface Recipe {
  seed: number
  count: number
  dims: number
  offset?: number
  octaves?: number
  copies?: number
  dead?: number
  mirrored?: number
}

/** A case of `fixtures/expected.json`: two sets, and what numpy and scipy say about them. */
export interface Case {
  name: string
  real: Recipe & { sum: number }
  generated: Recipe & { sum: number }
  fid: number
  fid_sqrtm: number | null
  kid: number
  precision_recall: { k: number; precision: number; recall: number }[]
  expected: number[]
  retrieval: { top1: number; top5: number }
}

export const cases = (): Case[] =>
  JSON.parse(readFileSync(new URL('./fixtures/expected.json', import.meta.url), 'utf8'))

/** Features by the formula of `fixtures/make.py`, bit for bit. */
export const featuresBy = ({
  seed,
  count,
  dims,
  offset = 0,
  octaves = 1,
  copies = 0,
  dead = 0,
  mirrored = 0,
}: Recipe): Features => {
  let state = seed
  const data = new Float32Array(count * dims)
  for (let i = 0; i < count; i++) {
    let previous = 0
    const row = new Float64Array(dims)
    for (let d = 0; d < dims; d++) {
      let z = -2
      for (let n = 0; n < 4; n++) {
        state = (Math.imul(1664525, state) + 1013904223) >>> 0
        z += state / 2 ** 32
      }
      const value = d >= dims - dead ? 0.25 : (z + 0.5 * previous) * 2 ** -(d % octaves)
      row[d] = value + (d % 2 === 0 ? offset : 0)
      previous = z
    }
    const total = row.reduce((sum, value) => sum + value, 0)
    data.set(mirrored ? row.map((value) => value - (2 * total) / dims) : row, i * dims)
  }
  data.copyWithin((count - copies) * dims, 0, copies * dims)
  return { data, count, dims }
}

/** Features drawn from N(0, 1). */
export const normalFeatures = (count: number, dims: number, index: number): Features => ({
  data: new Random({ seed: 1, stream: 0, step: 0, index }).fillNormal(new Float32Array(count * dims)),
  count,
  dims,
})

/** Features from rows. */
export const featuresOf = (rows: readonly (readonly number[])[]): Features => ({
  data: Float32Array.from(rows.flat()),
  count: rows.length,
  dims: rows[0]?.length ?? 1,
})

/** Any set of a few rows: of few different values, so that equal rows and equal distances are common, or of many. */
export const anyFeatures = (dims: number, { min = 2, max = 12 } = {}): fc.Arbitrary<Features> => {
  const value = fc.oneof(fc.integer({ min: -2, max: 2 }), fc.float({ min: -8, max: 8, noNaN: true }))
  const row = fc.array(value, { minLength: dims, maxLength: dims })
  return fc.array(row, { minLength: min, maxLength: max }).map(featuresOf)
}

/** Two sets with features of equal length. */
export const anyTwo = (): fc.Arbitrary<[Features, Features]> =>
  fc.integer({ min: 1, max: 6 }).chain((dims) => fc.tuple(anyFeatures(dims), anyFeatures(dims)))

/** Arguments that every metric of two sets must refuse, and how. */
export const refused = (): { what: string; a: Features; b: Features; says: string }[] => {
  const good = normalFeatures(6, 3, 0)
  const bad = (value: number): Features => ({ ...good, data: good.data.with(7, value) })
  const says = (value: number) => `features must be finite: feature 1 of picture 2 is ${value}`
  return [
    { what: 'NaN', a: good, b: bad(Number.NaN), says: says(Number.NaN) },
    { what: 'infinity', a: bad(Number.POSITIVE_INFINITY), b: good, says: says(Number.POSITIVE_INFINITY) },
    {
      what: 'features of different length',
      a: good,
      b: normalFeatures(6, 4, 0),
      says: 'the features of the two sets differ in length: 3 and 4',
    },
  ]
}

/** One picture is not enough to speak of a distribution. */
export const single: Features = { data: new Float32Array(3), count: 1, dims: 3 }
