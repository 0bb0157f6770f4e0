import { UserError } from '@onestroke/core/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Features } from './features.js'
import { frechetDistance, type Gaussian, gaussianOf } from './frechet.js'
import { anyTwo, cases, featuresBy, featuresOf, normalFeatures, refused, single } from './testing.js'

/** Sum of both covariances' diagonals: the scale against which a Fréchet distance is rounded. */
const spreadOf = (...sets: Features[]): number =>
  sets
    .map((set) => gaussianOf(set))
    .reduce(
      (sum, { covariance, dims }) =>
        covariance.filter((_, i) => i % (dims + 1) === 0).reduce((a, b) => a + b, sum),
      0,
    )

describe('gaussianOf', () => {
  it('is the mean and the unbiased covariance', () => {
    const { mean, covariance, count, dims } = gaussianOf(featuresOf([[1, 2], [3, 2], [5, 8]])) // biome-ignore format: rows
    expect([...mean]).toEqual([3, 4])
    expect([...covariance]).toEqual([4, 6, 6, 12])
    expect([count, dims]).toEqual([3, 2])
  })

  it('loses no digits to an offset', () => {
    const rows = Array.from({ length: 600 }, (_, i) => [2 ** 20 + (i % 2)])
    expect(gaussianOf(featuresOf(rows)).covariance[0]).toBeCloseTo((600 * 0.25) / 599, 12)
  })

  it('has a symmetric covariance', () => {
    const { covariance, dims } = gaussianOf(normalFeatures(300, 7, 0))
    for (let i = 0; i < dims; i++)
      for (let j = 0; j < i; j++) expect(covariance[i * dims + j]).toBe(covariance[j * dims + i])
  })
})

describe('frechetDistance', () => {
  it.each(cases())(
    '$name: agrees with numpy, whatever the rank and the spectrum',
    ({ real, generated, fid }) => {
      const [a, b] = [featuresBy(real), featuresBy(generated)]
      expect(Math.abs(frechetDistance(a, b) / fid - 1)).toBeLessThan(1e-11)
      expect(Math.abs(frechetDistance(b, a) / fid - 1)).toBeLessThan(1e-11)
    },
  )

  it.each(cases().filter(({ fid_sqrtm }) => fid_sqrtm !== null))(
    '$name: agrees with scipy.linalg.sqrtm',
    ({ real, generated, fid_sqrtm }) => {
      expect(
        Math.abs(frechetDistance(featuresBy(real), featuresBy(generated)) / fid_sqrtm! - 1),
      ).toBeLessThan(1e-6)
    },
  )

  it('is 0 from a set to itself, and symmetric', () => {
    fc.assert(
      fc.property(anyTwo(), ([a, b]) => {
        const tolerance = 1e-6 * (1e-9 + spreadOf(a, b))
        expect(frechetDistance(a, a)).toBeLessThan(tolerance)
        expect(Math.abs(frechetDistance(a, b) - frechetDistance(b, a))).toBeLessThan(tolerance)
        expect(frechetDistance(a, b)).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  it('adds |delta|² for a translation', () => {
    fc.assert(
      fc.property(
        anyTwo(),
        fc.array(fc.integer({ min: -64, max: 64 }), { minLength: 6, maxLength: 6 }),
        ([a], delta) => {
          const coarse = { ...a, data: a.data.map((value) => Math.round(value * 64) / 64) } // translated without rounding
          const moved = { ...coarse, data: coarse.data.map((value, i) => value + delta[i % a.dims]!) }
          const squared = delta.slice(0, a.dims).reduce((sum, value) => sum + value * value, 0)
          const tolerance = 1e-6 * (1e-9 + spreadOf(coarse) + squared)
          expect(Math.abs(frechetDistance(coarse, moved) - squared)).toBeLessThan(tolerance)
        },
      ),
    )
  })

  it('has its closed form for diagonal covariances', () => {
    const variances = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 5, maxLength: 5 })
    const diagonal = (variance: number[], mean: number): Gaussian => {
      const covariance = new Float64Array(25)
      for (let d = 0; d < 5; d++) covariance[d * 6] = variance[d]!
      return { mean: new Float64Array(5).fill(mean), covariance, count: 1000, dims: 5 }
    }
    fc.assert(
      fc.property(variances, variances, fc.double({ min: -9, max: 9, noNaN: true }), (v, w, mean) => {
        const closed = v.reduce((sum, x, d) => sum + (Math.sqrt(x) - Math.sqrt(w[d]!)) ** 2, 5 * mean * mean)
        expect(frechetDistance(diagonal(v, mean), diagonal(w, 0))).toBeCloseTo(closed, 4)
      }),
    )
  })

  it('scales as the square of the features', () => {
    const [a, b] = [normalFeatures(40, 8, 0), normalFeatures(50, 8, 1)]
    const scaled = (set: Features) => ({ ...set, data: set.data.map((value) => value * 1024) })
    expect(frechetDistance(scaled(a), scaled(b)) / frechetDistance(a, b)).toBeCloseTo(2 ** 20, 3)
  })

  it('takes sets, fitted Gaussians, or one of each', () => {
    const [a, b] = [normalFeatures(40, 8, 0), normalFeatures(50, 8, 1)]
    const reference = gaussianOf(a)
    const distance = frechetDistance(a, b)
    expect(frechetDistance(reference, b)).toBe(distance)
    expect(frechetDistance(reference, gaussianOf(b))).toBe(distance)
  })

  it('is the distance of the means where nothing varies', () => {
    const [a, b] = [featuresOf([[1, 2], [1, 2]]), featuresOf([[4, 6], [4, 6], [4, 6]])] // biome-ignore format: rows
    expect(frechetDistance(a, b)).toBe(25)
  })

  it.each(refused())('refuses $what', ({ a, b, says }) => {
    expect(() => frechetDistance(a, b)).toThrow(new UserError(says))
  })

  it('refuses a single picture', () => {
    expect(() => frechetDistance(single, single)).toThrow(UserError)
  })

  it('refuses a Gaussian of a single picture, one that is not finite, and one of another shape', () => {
    const good = gaussianOf(normalFeatures(6, 3, 0))
    expect(() => frechetDistance({ ...good, count: 1 }, good)).toThrow(
      new UserError('expected a Gaussian of at least 2 pictures, found 1'),
    )
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
      for (const bad of [
        { ...good, mean: good.mean.with(1, value) },
        { ...good, covariance: good.covariance.with(5, value) },
      ])
        expect(() => frechetDistance(good, bad)).toThrow(
          new UserError('the mean and covariance must be finite'),
        )
    expect(() => frechetDistance({ ...good, covariance: new Float64Array(4) }, good)).toThrow(RangeError)
  })
})
