import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RANGE } from '../diffusion/testing.js'
import { inpainting, slerp, strengthSigma } from './editing.js'

const norm = (x: Float32Array) => Math.hypot(...x)
const vector = (length: number) =>
  fc
    .array(fc.float({ min: -3, max: 3, noNaN: true }), { minLength: length, maxLength: length })
    .map((values) => Float32Array.from(values))

describe('strengthSigma', () => {
  it('goes from sigma_min to sigma_max, and never back', () => {
    expect([strengthSigma(0, RANGE), strengthSigma(1, RANGE)]).toEqual([RANGE.sigma_min, RANGE.sigma_max])
    const unit = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(unit, unit, (a, b) => {
        if (a < b) expect(strengthSigma(a, RANGE)).toBeLessThanOrEqual(strengthSigma(b, RANGE))
      }),
    )
  })
})

describe('inpainting', () => {
  it('keeps the picture where the mask is 0, paints where it is 1, and blends between', async () => {
    const denoise = inpainting(
      async (x) => x.map((value) => 2 * value),
      Float32Array.of(5, 6, 7),
      Float32Array.of(0, 1, 0.25),
    )
    expect(await denoise(Float32Array.of(1, 1, 1), 3)).toEqual(Float32Array.of(5, 2, 7 + 0.25 * (2 - 7)))
  })
})

describe('slerp', () => {
  it('begins and ends where it should, and is as long as the ends are', () => {
    fc.assert(
      fc.property(vector(24), vector(24), fc.double({ min: 0, max: 1, noNaN: true }), (a, b, t) => {
        fc.pre(norm(a) > 0.1 && norm(b) > 0.1)
        const scaled = b.map((value) => (value * norm(a)) / norm(b))
        const cosine = a.reduce((sum, x, k) => sum + x * scaled[k]!, 0) / norm(a) ** 2
        fc.pre(Math.abs(cosine) < 0.999)
        expect(norm(slerp(a, scaled, t))).toBeCloseTo(norm(a), 3)
        const ends = [slerp(a, b, 0), slerp(a, b, 1)]
        for (const [k, x] of a.entries()) {
          expect(ends[0]![k]).toBeCloseTo(x, 4)
          expect(ends[1]![k]).toBeCloseTo(b[k]!, 4)
        }
      }),
    )
  })

  it('keeps unit Gaussian noise unit Gaussian, and is a line between parallel vectors', () => {
    const a = Float32Array.of(1, 2)
    expect(slerp(a, a, 0.5)).toEqual(a)
    expect(slerp(a, Float32Array.of(0, 0), 0.5)).toEqual(Float32Array.of(0.5, 1))
  })
})
