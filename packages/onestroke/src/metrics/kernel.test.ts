import { UserError } from '@onestroke/core/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Features, rowsOf } from './features.js'
import { kernelDistance } from './kernel.js'
import { anyTwo, cases, featuresBy, normalFeatures, refused, single } from './testing.js'

/** The estimate as the paper writes it. */
const plain = (a: Features, b: Features): number => {
  const kernel = (p: Features, i: number, q: Features, j: number): number => {
    let sum = 0
    for (let d = 0; d < p.dims; d++) sum += p.data[i * p.dims + d]! * q.data[j * q.dims + d]!
    return (sum / p.dims + 1) ** 3
  }
  const mean = (p: Features, q: Features, within: boolean): number => {
    let [sum, pairs] = [0, 0]
    for (let i = 0; i < p.count; i++)
      for (let j = 0; j < q.count; j++) {
        if (within && i === j) continue
        sum += kernel(p, i, q, j)
        pairs++
      }
    return sum / pairs
  }
  return mean(a, a, true) + mean(b, b, true) - 2 * mean(a, b, false)
}

describe('kernelDistance', () => {
  it.each(cases())('$name: agrees with numpy', ({ real, generated, kid }) => {
    expect(kernelDistance(featuresBy(real), featuresBy(generated))).toBeCloseTo(kid, 11)
  })

  it('is the estimate of the paper, and symmetric', () => {
    fc.assert(
      fc.property(anyTwo(), ([a, b]) => {
        const value = plain(a, b)
        expect(Math.abs(kernelDistance(a, b) - value)).toBeLessThan(1e-9 * (1 + Math.abs(value)) * 1e3)
        expect(Math.abs(kernelDistance(b, a) - value)).toBeLessThan(1e-9 * (1 + Math.abs(value)) * 1e3)
      }),
    )
  })

  it('keeps of its first set what does not depend on the second, and no more', () => {
    const a = normalFeatures(90, 4, 0)
    for (const options of [
      {},
      { subsets: 3, subset_size: 20 },
      { subsets: 3, subset_size: 50 },
      { subsets: 2 },
    ])
      for (const seed of [0, 1])
        for (const b of [normalFeatures(70, 4, 1), normalFeatures(30, 4, 2), a])
          expect(kernelDistance(a, b, { seed, ...options })).toBe(
            kernelDistance({ ...a }, { ...b }, { seed, ...options }),
          )
  })

  it.each([{}, { subsets: 3, subset_size: 20 }])(
    'computes what depends on its first set alone once: %j',
    (options) => {
      const a = normalFeatures(90, 4, 0)
      // Nothing between the two: the kernel of any row with zeros is 1.
      const zeros: Features = { data: new Float32Array(4 * 50), count: 50, dims: 4 }
      const before = kernelDistance(a, zeros, options)
      // Features never change; here they do, and show what is not computed again.
      a.data.fill(0)
      expect(kernelDistance(a, zeros, options)).toBe(before)
      expect(kernelDistance({ ...a }, zeros, options)).toBe(0)
    },
  )

  it('takes one set twice as any two', () => {
    const a = normalFeatures(7, 4, 0)
    expect(kernelDistance(a, a)).toBeCloseTo(plain(a, a), 12)
    expect(kernelDistance(a, { ...a })).toBe(kernelDistance(a, a))
  })

  it('is around 0 for sets of one distribution: unbiased, at any count', () => {
    for (const count of [4, 40]) {
      const values = Array.from({ length: 400 }, (_, i) =>
        kernelDistance(normalFeatures(count, 4, 2 * i), normalFeatures(count, 4, 2 * i + 1)),
      )
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
      expect(Math.abs(mean)).toBeLessThan(3 * Math.sqrt(variance / values.length))
      expect(values.some((value) => value < 0)).toBe(true)
    }
  })

  it('grows with the difference', () => {
    const a = normalFeatures(300, 4, 0)
    const moved = (by: number): Features => {
      const b = normalFeatures(300, 4, 1)
      return { ...b, data: b.data.map((value) => value + by) }
    }
    const values = [0, 0.5, 1, 2].map((by) => kernelDistance(a, moved(by)))
    expect(values).toEqual([...values].sort((x, y) => x - y))
  })

  it('takes the mean over subsets when asked: a pure function of the seed, near the estimate over all', () => {
    const [a, b] = [normalFeatures(400, 4, 0), normalFeatures(500, 4, 1)]
    const by = (seed: number) => kernelDistance(a, b, { seed, subsets: 50, subset_size: 200 })
    expect(by(3)).toBe(by(3))
    expect(by(3)).not.toBe(by(4))
    expect(Math.abs(by(3) - kernelDistance(a, b))).toBeLessThan(0.02)
  })

  it('takes whole sets when subsets would be larger', () => {
    const [a, b] = [normalFeatures(40, 4, 0), normalFeatures(50, 4, 1)]
    expect(kernelDistance(a, b, { subsets: 2 })).toBeCloseTo(kernelDistance(a, b), 12)
  })

  it('takes a hundred subsets of a thousand beyond 20,000 rows', () => {
    const few = normalFeatures(50, 1, 0)
    const many = rowsOf(
      few,
      Array.from({ length: 19_951 }, (_, i) => i % 50),
    )
    expect(kernelDistance(few, many, { seed: 5 })).toBe(
      kernelDistance(few, many, { seed: 5, subsets: 100, subset_size: 1000 }),
    )
  })

  it.each(refused())('refuses $what', ({ a, b, says }) => {
    expect(() => kernelDistance(a, b)).toThrow(new UserError(says))
  })

  it('refuses a single picture, and subsets that are none', () => {
    const a = normalFeatures(6, 3, 0)
    expect(() => kernelDistance(a, single)).toThrow(UserError)
    expect(() => kernelDistance(a, a, { subsets: 0 })).toThrow('subsets: expected an integer ≥ 1, found 0')
    expect(() => kernelDistance(a, a, { subsets: 1, subset_size: 1 })).toThrow(
      'subset_size: expected an integer ≥ 2, found 1',
    )
  })
})
