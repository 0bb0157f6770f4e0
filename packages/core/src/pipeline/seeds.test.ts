import { describe, expect, it } from 'vitest'
import { drawSeed, readSeed } from './seeds.js'

describe('a seed that is written', () => {
  it.each([
    ['0', 0],
    [' 7 ', 7],
    ['4294967295', 4294967295],
  ])('is its number: %j', (text, seed) => {
    expect(readSeed(text)).toBe(seed)
  })

  it.each(['-1', 'random'])('is drawn: %j', (text) => {
    expect(readSeed(text, () => 42)).toBe(42)
    const drawn = Array.from({ length: 8 }, () => readSeed(text))
    expect(new Set(drawn).size).toBeGreaterThan(1)
  })

  it.each(['', ' ', '-2', '1.5', '4294967296', 'owl', 'NaN', 'Infinity'])('is none: %j', (text) => {
    expect(readSeed(text)).toBeUndefined()
  })

  it('is drawn as one that can be asked for again', () => {
    for (let i = 0; i < 100; i++) {
      const seed = drawSeed()
      expect(readSeed(String(seed))).toBe(seed)
    }
  })
})
