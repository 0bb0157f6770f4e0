import { UserError } from '@onestroke/core/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rowsOf } from './features.js'
import { precisionRecall } from './precision-recall.js'
import {
  anyFeatures,
  anyTwo,
  cases,
  featuresBy,
  featuresOf,
  normalFeatures,
  refused,
  single,
} from './testing.js'

describe('precisionRecall', () => {
  it.each(cases())('$name: agrees with numpy', ({ real, generated, precision_recall }) => {
    const [a, b] = [featuresBy(real), featuresBy(generated)]
    for (const { k, ...expected } of precision_recall) expect(precisionRecall(a, b, k)).toEqual(expected)
  })

  it('keeps the real ones’ reach, for each number of neighbours', () => {
    const real = normalFeatures(60, 4, 0)
    for (const k of [1, 3, 1, 59])
      for (const generated of [normalFeatures(50, 4, 1), normalFeatures(20, 4, 2), real])
        expect(precisionRecall(real, generated, k)).toEqual(precisionRecall({ ...real }, { ...generated }, k))
  })

  it('computes the real ones’ reach once', () => {
    const real = featuresOf([[0], [1], [2], [4]])
    const generated = featuresOf([[0.5], [0.6]])
    expect(precisionRecall(real, generated).precision).toBe(1)
    // Features never change; here they do, and show what is not computed again.
    real.data.fill(0)
    expect(precisionRecall(real, generated).precision).toBe(1)
    expect(precisionRecall({ ...real }, generated).precision).toBe(0)
  })

  it('is 1 and 1 for equal sets, in whatever order', () => {
    fc.assert(
      fc.property(anyFeatures(3), fc.integer({ min: 1, max: 5 }), (a, k) => {
        const reversed = rowsOf(
          a,
          Array.from({ length: a.count }, (_, i) => a.count - 1 - i),
        )
        expect(precisionRecall(a, reversed, k)).toEqual({ precision: 1, recall: 1 })
        expect(precisionRecall(a, a, k)).toEqual({ precision: 1, recall: 1 })
      }),
    )
  })

  it('swaps precision and recall with the sets', () => {
    fc.assert(
      fc.property(anyTwo(), ([a, b]) => {
        const { precision, recall } = precisionRecall(a, b)
        expect(precisionRecall(b, a)).toEqual({ precision: recall, recall: precision })
      }),
    )
  })

  it('never falls as k grows', () => {
    fc.assert(
      fc.property(anyTwo(), ([a, b]) => {
        const values = [1, 2, 3, 4].map((k) => precisionRecall(a, b, k).precision)
        expect(values).toEqual([...values].sort((x, y) => x - y))
      }),
    )
  })

  it('is 0 and 0 for sets far apart', () => {
    const a = normalFeatures(20, 3, 0)
    const far = { ...a, data: a.data.map((value) => value + 1000) }
    expect(precisionRecall(a, far)).toEqual({ precision: 0, recall: 0 })
  })

  it('tells a model that shows one half only: precise, but recalling half', () => {
    const near = normalFeatures(40, 3, 0)
    const far = { ...near, data: near.data.map((value) => value + 1000) }
    const real = { data: Float32Array.of(...near.data, ...far.data), count: 80, dims: 3 }
    expect(precisionRecall(real, near)).toEqual({ precision: 1, recall: 0.5 })
  })

  it('counts k = 3 neighbours by default, and the picture itself not', () => {
    const real = featuresOf([[0], [1], [2], [4]])
    expect(precisionRecall(real, featuresOf([[-4], [-4.5]])).precision).toBe(0.5)
    expect(precisionRecall(real, featuresOf([[-4], [-1]]), 1).precision).toBe(0.5)
  })

  it('reaches to the farthest where there are fewer than k neighbours', () => {
    const [a, b] = [normalFeatures(3, 2, 0), normalFeatures(5, 2, 1)]
    expect(precisionRecall(a, b, 9)).toEqual({
      precision: precisionRecall(a, b, 2).precision,
      recall: precisionRecall(a, b, 4).recall,
    })
  })

  it.each(refused())('refuses $what', ({ a, b, says }) => {
    expect(() => precisionRecall(a, b)).toThrow(new UserError(says))
  })

  it('refuses a single picture, and no neighbours', () => {
    const a = normalFeatures(6, 3, 0)
    expect(() => precisionRecall(a, single)).toThrow(UserError)
    expect(() => precisionRecall(a, a, 0)).toThrow('k: expected an integer ≥ 1, found 0')
  })
})
