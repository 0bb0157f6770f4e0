import { UserError } from '@onestroke/core/errors'
import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import { describe, expect, it } from 'vitest'
import type { Features } from './features.js'
import { gaussianOf } from './frechet.js'
import { principalComponents, projected } from './principal.js'
import { featuresOf, normalFeatures, single } from './testing.js'

/** Features d of N(0, 2^-d) that are then mixed by reflections: a spectrum that falls. */
const falling = (count: number, dims: number, ratio: number): Features => {
  const set = normalFeatures(count, dims, 7)
  return { ...set, data: set.data.map((value, i) => 3 + value * ratio ** (i % dims)) }
}

const eigenvaluesOf = (set: Features): number[] => {
  const { covariance, dims } = gaussianOf(set)
  const matrix = Matrix.from1DArray(dims, dims, covariance)
  return new EigenvalueDecomposition(matrix, { assumeSymmetric: true }).realEigenvalues.reverse()
}

const variancesOf = (set: Features): number[] => {
  const { covariance, dims } = gaussianOf(set)
  return Array.from({ length: dims }, (_, d) => covariance[d * dims + d]!)
}

describe('principal components', () => {
  it('of points on a line are the line', () => {
    const points = featuresOf([[1, 2, 2], [2, 4, 4], [4, 8, 8]]) // biome-ignore format: rows
    const components = principalComponents(points)
    expect(components.to).toBe(1)
    const [x, y, z] = components.axes.map(Math.abs)
    for (const [value, third] of [
      [x, 1],
      [y, 2],
      [z, 2],
    ])
      expect(value).toBeCloseTo(third! / 3, 9)
    const { data, dims } = projected(components, points)
    expect(dims).toBe(1)
    // 7/3 is the mean on the line, whose direction has length 3.
    const along = [1, 2, 4].map((t) => 3 * (t - 7 / 3) * Math.sign(components.axes[0]!))
    for (const [i, value] of data.entries()) expect(value).toBeCloseTo(along[i]!, 5)
  })

  it.each([
    ['by decomposition, features', falling(300, 40, 0.8), 10],
    ['by decomposition, rows', falling(40, 300, 0.97), 10],
    ['by iteration, features', falling(400, 260, 0.97), 20],
    ['by iteration, rows', falling(260, 400, 0.98), 20],
  ])('have the greatest variances, uncorrelated: %s', (_, set, most) => {
    const components = principalComponents(set, most)
    expect(components.to).toBe(most)
    const wanted = eigenvaluesOf(set)
    const found = projected(components, set)
    for (const [k, variance] of variancesOf(found).entries())
      expect(Math.abs(variance / wanted[k]! - 1)).toBeLessThan(1e-3)
    const { covariance } = gaussianOf(found)
    for (let i = 0; i < most; i++)
      for (let j = 0; j < i; j++) expect(Math.abs(covariance[i * most + j]!)).toBeLessThan(2e-3 * wanted[0]!)
  })

  it('are orthonormal', () => {
    const { axes, from, to } = principalComponents(falling(260, 400, 0.99), 20)
    for (let i = 0; i < to; i++)
      for (let j = 0; j <= i; j++) {
        let product = 0
        for (let d = 0; d < from; d++) product += axes[i * from + d]! * axes[j * from + d]!
        expect(product).toBeCloseTo(i === j ? 1 : 0, 9)
      }
  })

  it('are fewer than the rows, and one where nothing varies', () => {
    expect(principalComponents(normalFeatures(5, 10, 0)).to).toBe(4)
    const same = featuresOf([[1, 2], [1, 2], [1, 2]]) // biome-ignore format: rows
    const components = principalComponents(same)
    expect(components.to).toBe(1)
    expect([...projected(components, same).data]).toEqual([0, 0, 0])
  })

  it('refuse a single row, and rows of another length', () => {
    expect(() => principalComponents(single)).toThrow(UserError)
    const components = principalComponents(normalFeatures(5, 3, 0))
    expect(() => projected(components, normalFeatures(5, 4, 0))).toThrow(
      'expected features of length 3, found 4',
    )
  })
})
