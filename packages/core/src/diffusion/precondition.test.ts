import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { consistencyPreconditioning, edmPreconditioning } from './precondition.js'
import { compute } from './testing.js'

/** Sixteenths, so that squares are exact as float32 constants. */
const someSigmaData = fc.integer({ min: 1, max: 64 }).map((n) => n / 16)
const someSigma = fc.double({ min: -7, max: 5, noNaN: true }).map(Math.exp)

const edm = (sigma: number, sigma_data: number) =>
  compute({ sigma: [[1], [sigma]] }, ({ sigma }) => ({ ...edmPreconditioning(sigma!, sigma_data) }))
const consistency = (sigma: number, sigma_data: number, sigma_min: number) =>
  compute({ sigma: [[1], [sigma]] }, ({ sigma }) => ({
    ...consistencyPreconditioning(sigma!, sigma_data, sigma_min),
  }))

describe('edmPreconditioning', () => {
  it('gives the numbers of table 1', () => {
    const { c_skip, c_out, c_in, c_noise } = compute({ sigma: [[2], [0.5, 2]] }, ({ sigma }) => ({
      ...edmPreconditioning(sigma!, 0.5),
    }))
    expect(c_skip![0]).toBeCloseTo(0.5, 14)
    expect(c_skip![1]).toBeCloseTo(1 / 17, 14)
    expect(c_out![0]).toBeCloseTo(Math.SQRT1_2 / 2, 14)
    expect(c_out![1]).toBeCloseTo(1 / Math.sqrt(4.25), 14)
    expect(c_in![0]).toBeCloseTo(Math.SQRT2, 14)
    expect(c_in![1]).toBeCloseTo(1 / Math.sqrt(4.25), 14)
    expect(c_noise![0]).toBeCloseTo(-Math.LN2 / 4, 14)
    expect(c_noise![1]).toBeCloseTo(Math.LN2 / 4, 14)
  })

  it('gives the network inputs and targets of unit variance, with as small a c_out as can be', () => {
    fc.assert(
      fc.property(someSigma, someSigmaData, (sigma, sigma_data) => {
        const { c_skip, c_out, c_in } = edm(sigma, sigma_data)
        // What the network sees is c_in·(x₀ + σε), what it should say is (x₀ − c_skip·(x₀ + σε))/c_out.
        expect(c_in![0]! ** 2 * (sigma_data ** 2 + sigma ** 2)).toBeCloseTo(1, 10)
        const left = (skip: number) => (1 - skip) ** 2 * sigma_data ** 2 + skip ** 2 * sigma ** 2
        expect(left(c_skip![0]!) / c_out![0]! ** 2).toBeCloseTo(1, 10)
        for (const factor of [0.9, 1.1]) expect(left(factor * c_skip![0]!)).toBeGreaterThan(c_out![0]! ** 2)
      }),
    )
  })

  it('makes the denoiser the identity as the noise vanishes, and the data mean (0) plus F as it takes over', () => {
    const clean = edm(1e-6, 0.5)
    expect(clean.c_skip![0]).toBeCloseTo(1, 10)
    expect(clean.c_out![0]).toBeCloseTo(1e-6, 12)
    const noisy = edm(1e6, 0.5)
    expect(noisy.c_skip![0]! * 1e6).toBeLessThan(1e-6)
    expect(noisy.c_out![0]).toBeCloseTo(0.5, 10)
  })
})

describe('consistencyPreconditioning', () => {
  it('gives the numbers of appendix C', () => {
    const { c_skip, c_out } = consistency(2.25, 0.5, 0.25)
    expect(c_skip![0]).toBeCloseTo(0.25 / (2 ** 2 + 0.25), 14)
    expect(c_out![0]).toBeCloseTo((2 * 0.5) / Math.sqrt(2.25 ** 2 + 0.25), 14)
  })

  it('is the identity at sigma_min, exactly', () => {
    const any = fc.double({ min: 0.001, max: 2, noNaN: true })
    fc.assert(
      fc.property(any, any, (sigma_data, sigma_min) => {
        const { c_skip, c_out } = consistency(Math.fround(sigma_min), sigma_data, sigma_min)
        expect(c_skip![0]).toBe(1)
        expect(c_out![0]).toBe(0)
      }),
      { numRuns: 500 },
    )
  })

  it('gives the network the inputs that it had as a diffusion model', () => {
    fc.assert(
      fc.property(someSigma, someSigmaData, (sigma, sigma_data) => {
        const { c_in, c_noise } = edm(sigma, sigma_data)
        expect(consistency(sigma, sigma_data, 1 / 64)).toMatchObject({ c_in, c_noise })
      }),
    )
  })

  it('differs from the diffusion model only by sigma_min: a teacher is nearly a student', () => {
    fc.assert(
      fc.property(someSigma, someSigmaData, (sigma, sigma_data) => {
        const [student, teacher] = [consistency(sigma, sigma_data, 2 ** -30), edm(sigma, sigma_data)]
        expect(student.c_skip![0]! / teacher.c_skip![0]!).toBeCloseTo(1, 5)
        expect(student.c_out![0]! / teacher.c_out![0]!).toBeCloseTo(1, 5)
      }),
    )
  })
})
