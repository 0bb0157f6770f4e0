import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DenoiseFunction, noiseSchedule, vpTime } from '../diffusion/index.js'
import { distance, gaussianTrajectory, generator, RANGE } from '../diffusion/testing.js'
import { inpainting } from './editing.js'
import { flowMapEnds, lcmSigmas, multistep, multistepSigmas } from './sampler.js'

const { sigma_min, sigma_max } = RANGE
const [mean, std] = [0.25, 0.5]

/** The exact consistency function of data N(mean, std²), pixel by pixel, and the levels that it was called at. */
const exact = () => {
  const calls: number[] = []
  const f: DenoiseFunction = async (x, sigma) => {
    calls.push(sigma)
    return Float32Array.from(x, (value) => gaussianTrajectory([mean], std, [value], sigma, sigma_min)[0]!)
  }
  return { f, calls }
}

const noNoise = (): never => {
  throw new Error('no noise is needed here')
}

/** Decreasing levels from sigma_max to, at least, sigma_min. */
const someSigmas = fc
  .array(fc.double({ min: 0.05, max: 0.95, noNaN: true }), { maxLength: 6 })
  .map((ratios) => {
    const list = [sigma_max]
    for (const ratio of ratios) list.push(Math.max(sigma_min, list.at(-1)! * ratio))
    return list
  })

describe('multistep', () => {
  it('is the exact map in one step, and asks for no noise', async () => {
    const { f, calls } = exact()
    const x = Float32Array.of(3, -20, 0.25)
    expect(await multistep(f, x, [sigma_max], RANGE, noNoise)).toEqual(await f(x, sigma_max))
    expect(calls).toEqual([sigma_max, sigma_max])
    expect(x).toEqual(Float32Array.of(3, -20, 0.25))
  })

  it('keeps the mean and variance of Gaussian data, whatever the levels', async () => {
    await fc.assert(
      fc.asyncProperty(someSigmas, async (sigmas) => {
        // The result is mean + Σ bᵢzᵢ. One pixel without noise, and one for each zᵢ = 1, tell all of it.
        const basis = (i: number) =>
          Float32Array.from({ length: sigmas.length + 1 }, (_, k) => Number(k === i + 1))
        const start = basis(0).map((z) => mean + Math.sqrt(std ** 2 + sigma_max ** 2) * z)
        const [centre, ...ends] = await multistep(exact().f, start, sigmas, RANGE, basis)
        expect(centre).toBeCloseTo(mean, 5)
        const variance = ends.reduce((sum, end) => sum + (end - centre!) ** 2, 0)
        // The consistency function ends at sigma_min, so a little noise is left.
        expect(variance).toBeCloseTo(std ** 2 + sigma_min ** 2, 5)
      }),
    )
  })

  it('samples the data: 20,000 of them, in four steps', async () => {
    const count = 20_000
    const random = generator(3)
    const normal = () => random.fillNormal(new Float32Array(count))
    const start = normal().map((z) => sigma_max * z)
    const samples = await multistep(exact().f, start, [sigma_max, 2, 0.8, 0.2], RANGE, normal)
    const average = samples.reduce((sum, x) => sum + x, 0) / count
    const variance = samples.reduce((sum, x) => sum + (x - average) ** 2, 0) / (count - 1)
    const truth = std ** 2 + sigma_min ** 2
    expect(Math.abs(average - mean)).toBeLessThan(4 * Math.sqrt(truth / count))
    expect(Math.abs(variance - truth)).toBeLessThan(4 * truth * Math.sqrt(2 / count))
  })

  it('calls f once a level, and draws noise for every step but the first', async () => {
    const { f, calls } = exact()
    const steps: number[] = []
    const sigmas = [8, 2, 0.5, sigma_min]
    await multistep(f, Float32Array.of(1, 2), sigmas, RANGE, (step) => {
      steps.push(step)
      return Float32Array.of(1, -1)
    })
    expect(calls).toEqual(sigmas)
    expect(steps).toEqual([1, 2, 3])
  })

  it('adds noise up to the next level: √(σ² − sigma_min²), none at sigma_min', async () => {
    const { f } = exact()
    const seen: { step: number; x: Float32Array; denoised: Float32Array }[] = []
    const sigmas = [8, 0.5, sigma_min]
    const start = Float32Array.of(1, 2)
    const end = await multistep(f, start, sigmas, RANGE, () => Float32Array.of(1, -2), {
      onStep: (step, x, denoised) => void seen.push({ step, x, denoised }),
    })
    expect(seen.map(({ step }) => step)).toEqual([0, 1, 2])
    expect(seen[0]!.x).toEqual(start)
    for (const [i, { x, denoised }] of seen.entries()) expect(denoised).toEqual(await f(x, sigmas[i]!))
    const scale = Math.sqrt(0.25 - sigma_min ** 2)
    expect(
      distance(
        seen[1]!.x,
        seen[0]!.denoised.map((v, k) => v + scale * [1, -2][k]!),
      ),
    ).toBeLessThan(1e-6)
    expect(seen[2]!.x).toEqual(seen[1]!.denoised)
    expect(end).toEqual(seen[2]!.denoised)
    expect(distance(end, seen[1]!.denoised)).toBeLessThan(1e-6)
  })
})

/** The exact flow map of N(mean, std²): D such that a DDIM step with it lands at s. */
const exactFlowMap =
  (mean: number, std: number): DenoiseFunction =>
  async (x, sigma, s = 0) =>
    Float32Array.from(x, (value) => {
      const there = gaussianTrajectory([mean], std, [value], sigma, s)[0]!
      return s === sigma ? value : (there - (s / sigma) * value) / (1 - s / sigma)
    })

describe('a flow map', () => {
  const range = { sigma_min: 0.01, sigma_max: 80, sigma_data: 0.5 }
  const std = 0.3
  const f = flowMapEnds(exactFlowMap(0.25, std), range)

  it.each([1, 2, 4].flatMap((steps) => [0, 0.3, 1].map((gamma) => [steps, gamma] as const)))(
    'has the variance of the data at sigma_min, in %d steps with γ = %d',
    async (steps, gamma) => {
      const sigmas = multistepSigmas(steps, range)
      // One pixel without noise, and one for each source of noise, tell all of a linear map.
      const basis = (i: number) => Float32Array.from({ length: steps + 1 }, (_, k) => Number(k === i + 1))
      const start = basis(0).map((z) => 0.25 + Math.hypot(std, range.sigma_max) * z)
      const [centre, ...ends] = await multistep(f, start, sigmas, range, basis, { gamma })
      const variance = ends.reduce((sum, end) => sum + (end - centre!) ** 2, 0)
      expect(centre).toBeCloseTo(0.25, 5)
      expect(variance / (std ** 2 + range.sigma_min ** 2)).toBeCloseTo(1, 4)
    },
  )

  it('is told where its jumps go, and changed where they end alone', async () => {
    const told: (number | undefined)[] = []
    const D: DenoiseFunction = async (x, _, s) => {
      told.push(s)
      return x.map(() => 0)
    }
    const map = flowMapEnds(D, range)
    expect(await map(Float32Array.of(8), 4, 2)).toEqual(Float32Array.of(0))
    expect(await map(Float32Array.of(8), 4, range.sigma_min)).toEqual(Float32Array.of(0.02))
    expect(await map(Float32Array.of(8), 4)).toEqual(Float32Array.of(0.02))
    expect(told).toEqual([2, 0.01, 0.01])
  })

  it('leaves no noise on what an inpainting keeps', async () => {
    const image = Float32Array.of(0.5, -0.5)
    const kept = inpainting(f, image, Float32Array.of(0, 1))
    const noise = () => Float32Array.of(1, -1)
    for (const gamma of [0, 1]) {
      const [first, second] = await multistep(kept, Float32Array.of(80, 80), [80, 2, 0.5], range, noise, {
        gamma,
      })
      expect(first).toBe(0.5)
      expect(second).not.toBe(-0.5)
    }
  })
})

describe('multistep with γ', () => {
  const sigmas = [sigma_max, 2, 0.5]
  const flowMap = flowMapEnds(exactFlowMap(mean, std), RANGE)

  it('0 follows the trajectory, without any noise', async () => {
    const told: (number | undefined)[] = []
    const f: DenoiseFunction = (x, sigma, s) => {
      told.push(s)
      return flowMap(x, sigma, s)
    }
    const start = Float32Array.of(3, -20, 0.25)
    const end = await multistep(f, start, sigmas, RANGE, noNoise, { gamma: 0 })
    expect(told).toEqual([2, 0.5, sigma_min])
    expect(distance(end, await exact().f(start, sigma_max))).toBeLessThan(1e-5)
  })

  it('keeps the mean and variance of Gaussian data, whatever γ', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 1, noNaN: true }), async (gamma) => {
        // Here too, one pixel without noise, and one for each source of noise, tell all of it.
        const basis = (i: number) =>
          Float32Array.from({ length: sigmas.length + 1 }, (_, k) => Number(k === i + 1))
        const start = basis(0).map((z) => mean + Math.sqrt(std ** 2 + sigma_max ** 2) * z)
        const [centre, ...ends] = await multistep(flowMap, start, sigmas, RANGE, basis, { gamma })
        expect(centre).toBeCloseTo(mean, 5)
        const variance = ends.reduce((sum, end) => sum + (end - centre!) ** 2, 0)
        expect(variance).toBeCloseTo(std ** 2 + sigma_min ** 2, 4)
      }),
    )
  })

  it('jumps to (1 − γ) times the next level, in the time of a variance-preserving process', async () => {
    const told: (number | undefined)[] = []
    const f: DenoiseFunction = async (x, _, s) => {
      told.push(s)
      return x
    }
    await multistep(f, Float32Array.of(1), sigmas, RANGE, () => Float32Array.of(0), { gamma: 0.3 })
    for (const [i, s] of told.slice(0, 2).entries())
      expect(vpTime(s!)).toBeCloseTo(0.7 * vpTime(sigmas[i + 1]!), 10)
    expect(told[2]).toBe(sigma_min)
  })
})

describe('lcmSigmas', () => {
  it('are every so many levels of the grid that lcm trains on', () => {
    const grid = noiseSchedule('ddim', 51, RANGE)
    expect(lcmSigmas(1, RANGE)).toEqual([sigma_max])
    expect(lcmSigmas(4, RANGE)).toEqual([0, 12, 25, 37].map((i) => grid[i]))
    expect(lcmSigmas(50, RANGE)).toEqual(grid.slice(0, 50))
    for (const steps of [0, 51, 1.5]) expect(() => lcmSigmas(steps, RANGE)).toThrow(RangeError)
  })
})

describe('multistepSigmas', () => {
  const someRange = fc
    .record({
      sigma_max: fc.double({ min: 1, max: 100, noNaN: true }),
      sigma_data: fc.double({ min: 0.1, max: 2, noNaN: true }),
    })
    .map((range) => ({ ...range, sigma_min: 0.002 }))

  it('starts at sigma_max and falls by equal factors to a multiple of sigma_data', () => {
    fc.assert(
      fc.property(
        someRange,
        fc.integer({ min: 2, max: 8 }),
        fc.double({ min: 0.1, max: 4, noNaN: true }),
        (range, steps, lowest) => {
          const sigmas = multistepSigmas(steps, range, lowest)
          expect(sigmas).toHaveLength(steps)
          expect(sigmas[0]).toBe(range.sigma_max)
          const end = Math.min(range.sigma_max, lowest * range.sigma_data)
          expect(sigmas.at(-1)! / end).toBeCloseTo(1, 10)
          const factor = (end / range.sigma_max) ** (1 / (steps - 1))
          for (let i = 1; i < steps; i++) expect(sigmas[i]! / sigmas[i - 1]!).toBeCloseTo(factor, 10)
        },
      ),
    )
  })

  it('is sigma_max alone for one step', () => {
    expect(multistepSigmas(1, { sigma_min: 0.002, sigma_max: 80, sigma_data: 0.5 })).toEqual([80])
  })

  it('is near the two steps of Song et al. 2023 by default', () => {
    const [first, second] = multistepSigmas(2, { sigma_min: 0.002, sigma_max: 80, sigma_data: 0.5 })
    expect(first).toBe(80)
    expect(Math.abs(second! - 0.821)).toBeLessThan(0.05)
  })
})
