import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { quantize, stored } from './storage.js'

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

describe('stored', () => {
  it('is what a model computes with', () => {
    const values = Float32Array.of(1, -0.7, 1000, 0.00001)
    expect(stored(values, [2, 2], 'fp32')).toBe(values)
    expect([...stored(values, [2, 2], 'fp16')]).toEqual([1, -0.7001953125, 1000, 2 ** -24 * 168])
    expect(stored(values, [4], 'int8')).toBe(values)
    const [scaled] = [stored(values, [2, 2], 'int8')]
    expect(scaled[0]).toBe(1)
    expect(scaled[2]).toBeCloseTo(1000, 3)
    expect(scaled[1]).toBeCloseTo(Math.round(-0.7 * 127) / 127, 6)
  })
})
