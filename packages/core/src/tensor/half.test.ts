import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { halfOf, ofHalf, ofHalves } from './half.js'

/** Every float16 there is, as numbers. */
const HALVES = Array.from({ length: 65536 }, (_, half) => ofHalf(half))

describe('halfOf', () => {
  it('keeps what is a float16', () => {
    for (const [half, value] of HALVES.entries()) {
      if (Number.isNaN(value)) expect(HALVES[halfOf(value)]).toBeNaN()
      else expect(halfOf(value)).toBe(half)
    }
  })

  it('finds the nearest, ties to even', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0x7bfe }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (i, part) => {
          const [low, high] = [HALVES[i]!, HALVES[i + 1]!]
          const value = Math.fround(low + part * (high - low))
          const middle = (low + high) / 2
          const nearest = value === middle ? i + (i & 1) : value < middle ? i : i + 1
          expect(halfOf(value)).toBe(nearest)
          expect(halfOf(-value)).toBe(nearest | 0x8000)
        },
      ),
    )
    expect([halfOf(65519), halfOf(65520), halfOf(1e-9)]).toEqual([0x7bff, 0x7c00, 0])
  })
})

describe('ofHalves', () => {
  it('is each of them', () => {
    expect(ofHalves(Uint16Array.from(HALVES.keys()))).toEqual(Float32Array.from(HALVES))
  })
})
