import { describe, expect, it } from 'vitest'
import { between } from './between.js'
import { featuresOf, single } from './testing.js'

// Two of one name, three of another, one of a third, and two equal ones of a fourth.
const real = featuresOf([[0, 0], [8, 0], [0, 1], [0, 2], [0, 3], [5, 5], [6, 6], [6, 6]]) // biome-ignore format: rows
const groups = [0, 0, 1, 1, 1, 2, 3, 3]
const share = (rows: number[][], expected: number[]) => between(real, featuresOf(rows), expected, groups)

describe('between', () => {
  it('counts what is a quarter to three quarters of the way, however far aside', () => {
    expect(share([[2, 0], [6, 100], [4, 0], [1.9, 0], [6.1, 0], [0, 0], [8, 0], [-4, 0]], [0, 1, 0, 1, 0, 1, 0, 1])).toBe(3 / 8) // biome-ignore format: rows
  })

  it('looks at names of exactly two different pictures alone', () => {
    expect(share([[4, 0], [0, 2], [5, 5], [6, 6]], [0, 2, 5, 6])).toBe(1) // biome-ignore format: rows
    expect(share([[0, 2], [5, 5], [6, 6]], [3, 5, 7])).toBeNull() // biome-ignore format: rows
  })

  it('refuses pictures of another size', () => {
    expect(() => between(real, single, [0], groups)).toThrow('differ in length')
  })
})
