import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { teacherDistance } from './distance.js'

const pictures = fc
  .array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 12, maxLength: 12 })
  .map((values) => Float32Array.from(values))

describe('teacherDistance', () => {
  it('is the root mean squared difference', () => {
    expect(teacherDistance(Float32Array.of(0, 1, -1, 0), Float32Array.of(1, 1, 1, 2))).toBe(1.5)
    expect(teacherDistance(new Float32Array(6).fill(-1), new Float32Array(6).fill(1))).toBe(2)
  })

  it('is a metric', () => {
    fc.assert(
      fc.property(pictures, pictures, pictures, (a, b, c) => {
        expect(teacherDistance(a, a)).toBe(0)
        expect(teacherDistance(a, b)).toBe(teacherDistance(b, a))
        expect(teacherDistance(a, b) > 0).toBe(a.some((value, i) => value !== b[i]))
        expect(teacherDistance(a, c)).toBeLessThanOrEqual(
          teacherDistance(a, b) + teacherDistance(b, c) + 1e-12,
        )
      }),
    )
  })

  it('shows a pixel that is not a number', () => {
    expect(teacherDistance(Float32Array.of(Number.NaN, 0), new Float32Array(2))).toBeNaN()
  })

  it('refuses batches of different size, and empty ones', () => {
    expect(() => teacherDistance(new Float32Array(2), new Float32Array(3))).toThrow(
      new RangeError('the batches differ in size: 2 and 3 values'),
    )
    expect(() => teacherDistance(new Float32Array(0), new Float32Array(0))).toThrow(RangeError)
  })
})
