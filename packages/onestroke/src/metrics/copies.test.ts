import { describe, expect, it } from 'vitest'
import { copies } from './copies.js'
import { featuresOf, normalFeatures, single } from './testing.js'

const real = featuresOf([[0, 0], [10, 0], [0, 40]]) // biome-ignore format: rows

describe('copies', () => {
  it('are nearer than half as far as the next training picture', () => {
    expect(copies(real, featuresOf([[3, 0]]))).toBe(1)
    expect(copies(real, featuresOf([[4, 0]]))).toBe(0)
    // A third of the way is exactly half as far.
    expect(copies(featuresOf([[0], [9]]), featuresOf([[3]]))).toBe(0)
    expect(copies(real, featuresOf([[5, 0], [0, 1], [9, 1], [0, 39]]))).toBe(0.75) // biome-ignore format: rows
  })

  it('are all of the training pictures, also those that are there twice', () => {
    const set = normalFeatures(40, 6, 0)
    expect(copies(set, set)).toBe(1)
    const twice = { data: Float32Array.of(...set.data, ...set.data), count: 80, dims: 6 }
    expect(copies(twice, set)).toBe(1)
  })

  it('do not exist halfway, or without a second picture', () => {
    expect(copies(featuresOf([[0], [2]]), featuresOf([[1]]))).toBe(0)
    expect(copies(featuresOf([[1], [1]]), featuresOf([[1]]))).toBeNull()
  })

  it('refuses pictures of another size', () => {
    expect(() => copies(real, single)).toThrow('differ in length')
  })
})
