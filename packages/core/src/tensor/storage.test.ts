import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toFloat32 } from '../formats/index.js'
import { halfOf, quantize } from './storage.js'

/** Every float16 there is, as numbers. */
const HALVES = toFloat32({
  ...{ dtype: 'F16', shape: [65536] },
  bytes: new Uint8Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer),
})

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

describe('quantize', () => {
  it('is off by half a step at most, with a step for each row or column', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 6 }),
        fc.nat(),
        (rows, columns, seed) => {
          const values = Float32Array.from(
            { length: rows * columns },
            (_, i) => Math.sin(seed + i) * 10 ** (i % 4),
          )
          const { values: rounded, scale, axis } = quantize(values, [rows, columns])
          expect(scale).toHaveLength(axis === 'first' ? rows : columns)
          for (const [i, value] of values.entries()) {
            const unit = scale[axis === 'first' ? Math.floor(i / columns) : i % columns]!
            expect(Math.abs(rounded[i]! * unit - value)).toBeLessThanOrEqual(unit * 0.5001)
          }
        },
      ),
    )
  })

  it('chooses the axis that loses less', () => {
    // Columns of very different size, then rows.
    expect(quantize(Float32Array.of(1, 1000, 0.7, 1000), [2, 2]).axis).toBe('last')
    expect(quantize(Float32Array.of(1, 0.7, 1000, 1000), [2, 2]).axis).toBe('first')
    expect(quantize(new Float32Array(4), [2, 2]).values).toEqual(new Int8Array(4))
  })
})
