import { describe, expect, it } from 'vitest'
import { diversity } from './diversity.js'
import { featuresOf, normalFeatures } from './testing.js'

describe('diversity', () => {
  it('is the RMS difference of pairs of one prompt, prompt by prompt', () => {
    const pictures = featuresOf([[0, 0], [1, 7], [9, 9], [0, 4], [9, 9], [3, 3]]) // biome-ignore format: rows
    const prompts = ['a', 'b', 'c', 'a', 'c', 'a']
    // a: √(16/2), √(18/2), √((9 + 1)/2); c: 0; b has one picture.
    const a = (Math.sqrt(8) + 3 + Math.sqrt(5)) / 3
    expect(diversity(pictures, prompts)).toBeCloseTo(a / 2, 12)
  })

  it('with replacement may draw one picture twice, and counts prompts of one picture as 0', () => {
    const pictures = featuresOf([[0, 0], [4, 4], [1, 1]]) // biome-ignore format: rows
    expect(diversity(pictures, ['a', 'a', 'b'], { replacement: true })).toBeCloseTo(4 / 2 / 2, 12)
  })

  it('of independent normal pixels is √2, also where only some of many pictures are compared', () => {
    const pictures = normalFeatures(1000, 64, 0)
    expect(diversity(pictures, Array(1000).fill(''))).toBeCloseTo(Math.SQRT2, 1)
  })

  it('is null where no prompt has two pictures', () => {
    expect(diversity(normalFeatures(3, 2, 0), [0, 1, 2])).toBeNull()
    expect(diversity(normalFeatures(3, 2, 0), [0, 1, 2], { replacement: true })).toBeNull()
  })

  it('refuses prompts of another number', () => {
    expect(() => diversity(normalFeatures(3, 2, 0), ['a'])).toThrow('1 prompts for 3 pictures')
  })
})
