import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Features } from './features.js'
import {
  addProducts,
  distanceOf,
  eachDistance,
  eachDistanceWithin,
  eachProduct,
  eachProductWithin,
} from './products.js'
import { anyFeatures, anyTwo, normalFeatures } from './testing.js'

type Each = (visit: (i: number, j: number, value: number) => void) => void

/** What was visited: value by pair. */
const visited = (each: Each): Map<string, number> => {
  const seen = new Map<string, number>()
  each((i, j, value) => {
    if (seen.has(`${i},${j}`)) throw new Error(`${i}, ${j} is visited twice`)
    seen.set(`${i},${j}`, value)
  })
  return seen
}

const rowOf = ({ data, dims }: Features, i: number): number[] => [...data.subarray(i * dims, (i + 1) * dims)]

const dot = (x: number[], y: number[]): number => x.reduce((sum, value, d) => sum + value * y[d]!, 0)

describe('addProducts', () => {
  it('adds every inner product, for even and odd counts', () => {
    fc.assert(
      fc.property(anyTwo(), ([a, b]) => {
        const out = new Float64Array(a.count * b.count).fill(5)
        addProducts(new Float64Array(a.data), new Float64Array(b.data), a.dims, out)
        for (let i = 0; i < a.count; i++)
          for (let j = 0; j < b.count; j++)
            expect(out[i * b.count + j]).toBeCloseTo(5 + dot(rowOf(a, i), rowOf(b, j)), 9)
      }),
    )
  })

  it('does so across cache blocks', () => {
    const [a, b] = [normalFeatures(3, 2, 0), normalFeatures(131, 2, 1)]
    const out = new Float64Array(3 * 131)
    addProducts(new Float64Array(a.data), new Float64Array(b.data), 2, out)
    for (let i = 0; i < 3; i++)
      for (let j = 0; j < 131; j++) expect(out[i * 131 + j]).toBeCloseTo(dot(rowOf(a, i), rowOf(b, j)), 12)
  })
})

describe('eachProduct', () => {
  it('visits every pair once, across blocks', () => {
    const [a, b] = [normalFeatures(300, 3, 0), normalFeatures(515, 3, 1)]
    const seen = visited((visit) => eachProduct(a, b, visit))
    expect(seen.size).toBe(300 * 515)
    for (const [i, j] of [[0, 0], [255, 256], [299, 514], [256, 255], [7, 512]] as const) // biome-ignore format: pairs
      expect(seen.get(`${i},${j}`)).toBeCloseTo(dot(rowOf(a, i), rowOf(b, j)), 12)
  })

  it('visits all pairs of a set with itself, the diagonal among them', () => {
    const a = normalFeatures(5, 3, 0)
    expect(visited((visit) => eachProduct(a, a, visit)).size).toBe(25)
  })
})

describe('eachProductWithin', () => {
  it('visits every two rows once, across blocks', () => {
    const a = normalFeatures(515, 3, 0)
    const seen = visited((visit) => eachProductWithin(a, visit))
    expect(seen.size).toBe((515 * 514) / 2)
    for (const [i, j] of [[1, 0], [256, 255], [514, 0], [513, 512], [300, 299]] as const) // biome-ignore format: pairs
      expect(seen.get(`${i},${j}`)).toBeCloseTo(dot(rowOf(a, i), rowOf(a, j)), 12)
  })
})

describe('distances', () => {
  it('are those of the rows, and the same in every direction to the last bit', () => {
    fc.assert(
      fc.property(anyTwo(), ([a, b]) => {
        const there = visited((visit) => eachDistance(a, b, visit))
        const back = visited((visit) => eachDistance(b, a, visit))
        for (let i = 0; i < a.count; i++)
          for (let j = 0; j < b.count; j++) {
            const plain = rowOf(a, i).reduce((sum, value, d) => sum + (value - rowOf(b, j)[d]!) ** 2, 0)
            expect(there.get(`${i},${j}`)).toBeCloseTo(plain, 9)
            expect(back.get(`${j},${i}`)).toBe(there.get(`${i},${j}`))
            expect(distanceOf(a, i, b, j)).toBe(there.get(`${i},${j}`))
          }
      }),
    )
  })

  it('within a set are those to itself', () => {
    fc.assert(
      fc.property(anyFeatures(3), (a) => {
        const all = visited((visit) => eachDistance(a, a, visit))
        const within = visited((visit) => eachDistanceWithin(a, visit))
        expect(within.size).toBe((a.count * (a.count - 1)) / 2)
        for (const [pair, distance] of within) expect(distance).toBe(all.get(pair))
      }),
    )
  })

  it('of equal rows are exactly 0, however long', () => {
    const a = normalFeatures(9, 129, 3)
    const b = { ...a, data: a.data.map((value) => value * 1e6) }
    for (const features of [a, b])
      eachDistance(features, features, (i, j, distance) => expect(distance === 0).toBe(i === j))
  })
})
