import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { karrasPosition, karrasSigma, noiseSchedule, SCHEDULE_NAMES, trailingSchedule } from './schedule.js'

const NAMES = SCHEDULE_NAMES
const EDM = { sigma_min: 0.002, sigma_max: 80, sigma_data: 0.5 }

const someRange = fc
  .tuple(fc.double({ min: -7, max: 0, noNaN: true }), fc.double({ min: 0.1, max: 5, noNaN: true }))
  .map(([low, width]) => ({ sigma_min: Math.exp(low), sigma_max: Math.exp(low + width), sigma_data: 0.5 }))

const differences = (values: readonly number[]) => values.slice(1).map((value, i) => value - values[i]!)

describe.each(NAMES)('the schedule %s', (name) => {
  it('falls from sigma_max to sigma_min in equal shares of the steps, then to 0', () => {
    fc.assert(
      fc.property(someRange, fc.integer({ min: 2, max: 60 }), (range, steps) => {
        const sigmas = noiseSchedule(name, steps, range)
        expect(sigmas).toHaveLength(steps + 1)
        expect(sigmas[0]! / range.sigma_max).toBeCloseTo(1, 9)
        expect(sigmas[steps - 1]! / range.sigma_min).toBeCloseTo(1, 9)
        expect(sigmas[steps]).toBe(0)
        for (const step of differences(sigmas)) expect(step).toBeLessThan(0)
      }),
    )
  })

  it('goes from sigma_max to 0 in a single step', () => {
    const [first, ...rest] = noiseSchedule(name, 1, EDM)
    expect(first).toBeCloseTo(80, 9)
    expect(rest).toEqual([0])
  })

  it.each([0, -1, 2.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d steps', (steps) => {
    expect(() => noiseSchedule(name, steps, EDM)).toThrow(
      new RangeError(`steps must be a positive integer, not ${steps}`),
    )
  })
})

describe('the schedule karras', () => {
  it('gives the 18 levels of EDM on CIFAR-10', () => {
    const known = [
      80, 57.585985, 40.785574, 28.374585, 19.352453, 12.910082, 8.400935, 5.315195, 3.256822, 1.92334,
      1.088171, 0.585348, 0.296442, 0.139516, 0.059947, 0.022935, 0.007528, 0.002, 0,
    ]
    for (const [i, sigma] of noiseSchedule('karras', 18, EDM).entries())
      expect(sigma).toBeCloseTo(known[i]!, 5)
  })

  it('is evenly spaced in the ρ-th root', () => {
    fc.assert(
      fc.property(someRange, fc.integer({ min: 3, max: 60 }), (range, steps) => {
        const roots = noiseSchedule('karras', steps, range)
          .slice(0, -1)
          .map((sigma) => Math.exp(Math.log(sigma) / 7))
        const step = (roots.at(-1)! - roots[0]!) / (steps - 1)
        for (const difference of differences(roots)) expect(difference).toBeCloseTo(step, 10)
      }),
    )
  })

  it('is `karrasSigma` at even positions, where ρ = 1 means even steps in σ', () => {
    const sigmas = noiseSchedule('karras', 5, EDM)
    for (const i of [0, 1, 2, 3, 4]) expect(karrasSigma(i / 4, EDM)).toBe(sigmas[i])
    for (const [u, sigma] of [
      [0, 80],
      [0.5, 40.001],
      [1, 0.002],
    ] as const)
      expect(karrasSigma(u, EDM, 1)).toBeCloseTo(sigma, 12)
  })
})

describe('the schedule ddim', () => {
  /** −ln ᾱ of the process with 1000 steps, β rising evenly from 1e-4 to 0.02. */
  const logs = [0]
  for (let i = 0; i < 1000; i++) logs.push(logs[i]! - Math.log1p(-(1e-4 + (i / 999) * (0.02 - 1e-4))))
  /** The step, with a fraction, at which that process has noise level σ, ᾱ = 1/(1 + σ²). */
  const timeOf = (sigma: number): number => {
    const log = Math.log1p(sigma ** 2)
    const i = logs.findIndex((value) => value > log)
    return i - 1 + (log - logs[i - 1]!) / (logs[i]! - logs[i - 1]!)
  }

  it.each([2, 5, 10, 50])('skips evenly over the time of the 1000-step process: %d steps', (steps) => {
    const times = noiseSchedule('ddim', steps, EDM).slice(0, -1).map(timeOf)
    const step = (times.at(-1)! - times[0]!) / (steps - 1)
    // The continuous limit is within a few of the thousand steps everywhere.
    for (const [i, time] of times.entries()) expect(Math.abs(time - (times[0]! + i * step))).toBeLessThan(3)
  })
})

describe('the schedule linear', () => {
  it('is evenly spaced in σ', () => {
    expect(noiseSchedule('linear', 5, { sigma_min: 2, sigma_max: 10, sigma_data: 1 })).toEqual([
      10, 8, 6, 4, 2, 0,
    ])
  })
})

it('karrasPosition is the inverse of karrasSigma', () => {
  for (const rho of [1, 3, 7])
    for (const u of [0, 0.1, 0.5, 0.9, 1]) {
      expect(karrasPosition(karrasSigma(u, EDM, rho), EDM, rho)).toBeCloseTo(u, 10)
    }
  expect(karrasPosition(2 * EDM.sigma_max, EDM)).toBeLessThan(0)
  expect(karrasPosition(EDM.sigma_min / 2, EDM)).toBeGreaterThan(1)
})

describe.each(NAMES)('the schedule %s, for DDIM', (name) => {
  it('spends no step at sigma_min: its levels are those of one step more, without the last', () => {
    fc.assert(
      fc.property(someRange, fc.integer({ min: 1, max: 60 }), (range, steps) => {
        const sigmas = trailingSchedule(name, steps, range)
        expect(sigmas).toEqual([...noiseSchedule(name, steps + 1, range).slice(0, steps), 0])
        expect(sigmas[steps - 1]!).toBeGreaterThan(range.sigma_min)
      }),
    )
    expect(() => trailingSchedule(name, 0, EDM)).toThrow('steps must be a positive integer, not 0')
  })
})
