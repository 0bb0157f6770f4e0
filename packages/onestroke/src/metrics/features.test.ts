import { UserError } from '@onestroke/core/errors'
import { describe, expect, it } from 'vitest'
import { checkDims, checkFeatures, rowsOf } from './features.js'
import { cases, featuresBy, featuresOf } from './testing.js'

describe('checkFeatures', () => {
  it('names the first feature that is not finite', () => {
    const features = featuresOf([
      [1, 2],
      [3, Number.NEGATIVE_INFINITY],
    ])
    expect(() => checkFeatures(features)).toThrow(
      new UserError('features must be finite: feature 1 of picture 1 is -Infinity'),
    )
  })

  it('asks for two pictures', () => {
    expect(() => checkFeatures(featuresOf([[1, 2]]))).toThrow(
      new UserError('expected the features of at least 2 pictures, found 1'),
    )
    expect(() => checkFeatures(featuresOf([[1, 2]]), 1)).not.toThrow()
  })

  it('finds a shape that the data do not have', () => {
    expect(() => checkFeatures({ data: new Float32Array(5), count: 2, dims: 3 })).toThrow(
      new RangeError('features of shape [2, 3] cannot have 5 values'),
    )
    expect(() => checkFeatures({ data: new Float32Array(0), count: 2, dims: 0 })).toThrow(RangeError)
  })
})

describe('checkDims', () => {
  it('tells both lengths', () => {
    expect(() => checkDims({ dims: 3 }, { dims: 4 })).toThrow(
      new UserError('the features of the two sets differ in length: 3 and 4'),
    )
  })
})

describe('rowsOf', () => {
  it('picks rows in order, as often as asked', () => {
    expect(rowsOf(featuresOf([[1, 2], [3, 4], [5, 6]]), [2, 0, 2])).toEqual(featuresOf([[5, 6], [1, 2], [5, 6]])) // biome-ignore format: rows
  })
})

describe('the fixtures', () => {
  it.each(cases())('$name: features are those of Python', ({ real, generated }) => {
    for (const { sum, ...recipe } of [real, generated])
      expect(featuresBy(recipe).data.reduce((total, value) => total + value, 0)).toBeCloseTo(sum, 9)
  })
})
