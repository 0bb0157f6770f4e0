/**
 * The generator is deterministic, so these tests pass always or never. A bound of five standard errors is one that a
 * perfect generator would miss once in a million times.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { permutation, Random, type RandomKey, STREAM } from './index.js'

const KEY: RandomKey = { seed: 1, stream: 2, step: 3, index: 4 }
const FIELDS = ['seed', 'stream', 'step', 'index'] as const

const someKey: fc.Arbitrary<RandomKey> = fc.record({
  seed: fc.maxSafeNat(),
  stream: fc.nat(20),
  step: fc.nat(2 ** 31 - 1),
  index: fc.nat(2 ** 31 - 1),
})

const draws = (key: RandomKey, count: number, draw = (random: Random) => random.uniform()) => {
  const random = new Random(key)
  return Array.from({ length: count }, () => draw(random))
}
const normals = (key: RandomKey, count: number) => draws(key, count, (random) => random.normal())

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const correlation = (a: readonly number[], b: readonly number[]) => {
  const [ma, mb] = [mean(a), mean(b)]
  const covariance = (x: readonly number[], mx: number, y: readonly number[], my: number) =>
    mean(x.map((value, i) => (value - mx) * (y[i]! - my)))
  return covariance(a, ma, b, mb) / Math.sqrt(covariance(a, ma, a, ma) * covariance(b, mb, b, mb))
}
/** Pearson's χ² of counts that should be equal, in standard deviations from what is expected of it. */
const excess = (counts: readonly number[]) => {
  const expected = mean(counts)
  const degrees = counts.length - 1
  const chi2 = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  return (chi2 - degrees) / Math.sqrt(2 * degrees)
}
const histogram = (values: readonly number[], bins: number) => {
  const counts = Array<number>(bins).fill(0)
  for (const value of values) counts[value]!++
  return counts
}

describe('Random', () => {
  it('gives the numbers that it has always given: runs are resumed, and pictures named by their seeds', () => {
    // Computed with another implementation, in Python.
    const integers = (key: RandomKey) => draws(key, 4, (random) => random.uint32())
    expect(integers({ seed: 0, stream: 0, step: 0, index: 0 })).toEqual([
      815070318, 3246039744, 544587906, 1816986506,
    ])
    expect(integers(KEY)).toEqual([616170731, 1141445873, 1078716029, 4029249021])
    const far = { seed: Number.MAX_SAFE_INTEGER, stream: 9, step: 2 ** 32 - 1, index: 123456789 }
    expect(integers(far)).toEqual([1520532861, 1910692524, 2246612931, 3869221796])
    for (const [i, value] of [
      -0.19486221298833006, 1.9609637897071368, 1.538310301006062, -0.6300367887284588,
    ].entries())
      expect(normals(KEY, 4)[i]).toBeCloseTo(value, 13)
  })

  it('is a pure function of its key', () => {
    fc.assert(
      fc.property(someKey, someKey, (key, other) => {
        const [first, disturbance, second] = [new Random(key), new Random(other), new Random({ ...key })]
        for (let i = 0; i < 8; i++) {
          const expected = first.normal()
          disturbance.normal()
          expect(second.normal()).toBe(expected)
        }
      }),
    )
  })

  it('gives other numbers for another key, whichever field differs', () => {
    fc.assert(
      fc.property(someKey, fc.constantFrom(...FIELDS), fc.integer({ min: 1, max: 20 }), (key, field, by) => {
        const other = { ...key, [field]: Math.abs(key[field] - by) }
        fc.pre(other[field] !== key[field])
        expect(draws(other, 2)).not.toEqual(draws(key, 2))
      }),
      { numRuns: 1000 },
    )
    // The upper bits of a seed count too.
    expect(draws({ ...KEY, seed: 1 + 2 ** 32 }, 2)).not.toEqual(draws(KEY, 2))
  })

  it('never draws 0 or 1', () => {
    fc.assert(
      fc.property(someKey, (key) => {
        for (const value of draws(key, 20)) {
          expect(value).toBeGreaterThan(0)
          expect(value).toBeLessThan(1)
        }
      }),
    )
    // Not even at the ends of what it scales.
    for (const extreme of [0, 2 ** 32 - 1]) {
      const random = new Random(KEY)
      random.uint32 = () => extreme
      expect(random.uniform()).toBeCloseTo(extreme / 2 ** 32, 9)
      expect(random.uniform() % 1).toBeGreaterThan(0)
      expect(random.normal()).toSatisfy(Number.isFinite)
    }
  })

  it('draws evenly: numbers, their pairs, and every bit', () => {
    const values = draws(KEY, 200_000)
    expect(
      excess(
        histogram(
          values.map((value) => Math.floor(value * 1000)),
          1000,
        ),
      ),
    ).toBeLessThan(5)
    const cell = (i: number) => 32 * Math.floor(32 * values[2 * i]!) + Math.floor(32 * values[2 * i + 1]!)
    const pairs = Array.from({ length: values.length / 2 }, (_, i) => cell(i))
    expect(excess(histogram(pairs, 1024))).toBeLessThan(5)
    const integers = draws(KEY, 50_000, (random) => random.uint32())
    for (let bit = 0; bit < 32; bit++) {
      const ones = mean(integers.map((value) => (value >>> bit) & 1))
      expect(Math.abs(ones - 0.5)).toBeLessThan(5 * (0.5 / Math.sqrt(integers.length)))
    }
  })

  it('draws integers from 0 to n − 1 evenly', () => {
    for (const n of [1, 2, 3, 10, 1583]) {
      const values = draws(KEY, 50_000, (random) => random.integer(n))
      const counts = histogram(values, n)
      expect(counts.length).toBe(n)
      expect(Math.min(...counts)).toBeGreaterThan(0)
      if (n > 1) expect(excess(counts)).toBeLessThan(5)
    }
  })

  it('draws normal numbers: mean, variance, skewness, kurtosis, tails', () => {
    const n = 200_000
    const values = normals(KEY, n)
    const moment = (k: number) => mean(values.map((value) => value ** k))
    // The standard error of the mean of zᵏ is √((E z²ᵏ − (E zᵏ)²)/n), with E z², z⁴, z⁶, z⁸ = 1, 3, 15, 105.
    expect(Math.abs(moment(1))).toBeLessThan(5 * Math.sqrt(1 / n))
    expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt((3 - 1) / n))
    expect(Math.abs(moment(3))).toBeLessThan(5 * Math.sqrt(15 / n))
    expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt((105 - 9) / n))
    // P(|z| > 1, 2, 3, 4)
    for (const [beyond, p] of [0.3173105, 0.0455003, 0.0026998, 0.0000633].entries()) {
      const share = mean(values.map((value) => Number(Math.abs(value) > beyond + 1)))
      expect(Math.abs(share - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / n))
    }
  })

  it('draws normal numbers that have nothing to do with the next ones, nor their sizes', () => {
    const n = 50_000
    const values = normals(KEY, n + 3)
    const squares = values.map((value) => value * value)
    for (const lag of [1, 2, 3])
      for (const list of [values, squares])
        expect(Math.abs(correlation(list.slice(0, n), list.slice(lag, n + lag)))).toBeLessThan(
          5 / Math.sqrt(n),
        )
  })

  it('fills arrays with the numbers that it draws one by one', () => {
    expect(new Random(KEY).fillNormal(new Float32Array(7))).toEqual(Float32Array.from(normals(KEY, 7)))
  })
})

describe('keys that are near each other', () => {
  it.each(FIELDS)('give unrelated numbers: %s', (field) => {
    const n = 10_000
    for (const offset of [1, 256]) {
      // In all the other fields the two agree.
      const key = (i: number) => ({ ...KEY, index: i, [field]: field === 'index' ? 3 * i : 3 + (i % 5) })
      const near = (i: number) => ({ ...key(i), [field]: key(i)[field] + offset })
      const pairs = Array.from({ length: n }, (_, i) => [normals(key(i), 2), normals(near(i), 2)] as const)
      for (const [k, l] of [
        [0, 0],
        [0, 1],
        [1, 0],
      ] as const) {
        const [a, b] = [pairs.map(([draw]) => draw[k]!), pairs.map(([, draw]) => draw[l]!)]
        expect(Math.abs(correlation(a, b))).toBeLessThan(5 / Math.sqrt(n))
      }
    }
  })

  it.each(FIELDS)('differ in half of the bits of what they give: %s', (field) => {
    const n = 1000
    for (let bit = 0; bit < 32; bit++) {
      let flips = 0
      for (let i = 0; i < n; i++) {
        const key = { ...KEY, step: i, index: 7 * i }
        const flipped = { ...key, [field]: (key[field] ^ (1 << bit)) >>> 0 }
        let difference = new Random(key).uint32() ^ new Random(flipped).uint32()
        for (; difference !== 0; difference &= difference - 1) flips++
      }
      // Each of 32·n bits flips with probability 1/2.
      expect(Math.abs(flips / (32 * n) - 0.5)).toBeLessThan(5 * (0.5 / Math.sqrt(32 * n)))
    }
  })

  it('give pictures of their own: no two streams of a small run begin alike', () => {
    const starts = new Set<string>()
    for (const stream of Object.values(STREAM))
      for (let step = 0; step < 40; step++)
        for (let index = 0; index < 64; index++) starts.add(draws({ seed: 0, stream, step, index }, 2).join())
    expect(starts.size).toBe(Object.keys(STREAM).length * 40 * 64)
  })
})

describe('128 bits', () => {
  it('all tell keys apart: among the noises of 400 seeds and 922 pictures no two begin alike', () => {
    // With a state made from 32 bits some 16 pairs would be the same from end to end.
    const starts = new Set<number>()
    for (let seed = 0; seed < 400; seed++)
      for (let index = 0; index < 922; index++) {
        const random = new Random({ seed, stream: STREAM.sample, step: 0, index })
        starts.add(random.uint32() * 2 ** 21 + (random.uint32() >>> 11))
      }
    expect(starts.size).toBe(400 * 922)
  })
})

describe('STREAM', () => {
  it('has a number of its own for every purpose, which must not change', () => {
    expect(new Set(Object.values(STREAM)).size).toBe(Object.keys(STREAM).length)
    expect(STREAM).toMatchObject({ init: 0, data: 1, noise: 2, time: 3, condition: 4, augment: 5, sample: 6 })
  })
})

describe('permutation', () => {
  it('contains every number once', () => {
    fc.assert(
      fc.property(fc.nat(300), someKey, (n, key) => {
        expect([...permutation(n, key)].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i))
      }),
    )
  })

  it('is the one that it has always been', () => {
    // Computed with another implementation, in Python.
    expect([...permutation(10, { seed: 5, stream: 1, step: 0, index: 0 })]).toEqual([
      8, 6, 7, 1, 0, 2, 5, 4, 3, 9,
    ])
  })

  it('is any of them equally often', () => {
    const counts = new Map<string, number>()
    for (let index = 0; index < 24_000; index++) {
      const order = permutation(4, { ...KEY, index }).join()
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    expect(counts.size).toBe(24)
    expect(excess([...counts.values()])).toBeLessThan(5)
  })
})
