import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { karrasSigma, noiseSchedule, type ScheduleName } from './schedule.js'
import { SOLVER_NAMES, SOLVERS, type SolverName } from './solvers.js'
import {
  bell,
  denoiseFunction,
  distance,
  gaussian,
  gaussianTrajectory,
  generator,
  type Mixture,
  RANGE,
  trajectory,
  mixture as twoBells,
} from './testing.js'

const NAMES = SOLVER_NAMES
const ORDER: Record<SolverName, number> = { ddim: 1, heun: 2, dpmpp_2m: 2 }

const mixture = { ...twoBells, std: 0.5 }
const { sigma_min, sigma_max } = RANGE

/** Noise levels from sigma_max to sigma_min in `steps` steps that halve when `steps` doubles. */
const levels = (steps: number) => Array.from({ length: steps + 1 }, (_, i) => karrasSigma(i / steps, RANGE))

/** Some pictures of pure noise, flat, and as a list. */
const noise = new Float32Array(12)
generator(1).fillNormal(noise)
const start = noise.map((value) => sigma_max * value)
const starts = Array.from({ length: 6 }, (_, i) => [...start.subarray(2 * i, 2 * i + 2)])

const solve = (name: SolverName, data: Mixture, sigmas: readonly number[]) =>
  SOLVERS[name].sample(denoiseFunction(data).denoise, start, sigmas)

it('is tested against trajectories that are right: Runge–Kutta agrees with the closed form', () => {
  for (const x of starts)
    expect(
      distance(
        trajectory(bell, x, sigma_max, sigma_min),
        gaussianTrajectory(bell.means[0]!, bell.std, x, sigma_max, sigma_min),
      ),
    ).toBeLessThan(1e-9)
})

describe.each(NAMES)('%s', (name) => {
  it.each([
    {
      data: 'Gaussian',
      of: bell,
      exact: starts.flatMap((x) => gaussianTrajectory(bell.means[0]!, bell.std, x, sigma_max, sigma_min)),
    },
    {
      data: 'a mixture of Gaussians',
      of: mixture,
      exact: starts.flatMap((x) => trajectory(mixture, x, sigma_max, sigma_min)),
    },
  ])(`converges at order ${ORDER[name]} for $data data`, async ({ of, exact }) => {
    const errors: number[] = []
    for (const steps of [100, 200, 400]) errors.push(distance(await solve(name, of, levels(steps)), exact))
    for (const i of [0, 1]) {
      const order = Math.log2(errors[i]! / errors[i + 1]!)
      expect(Math.abs(order - ORDER[name])).toBeLessThan(0.15)
    }
  })

  it.each<ScheduleName>(['karras', 'ddim', 'linear'])(
    'ends in the picture that the trajectory leads to: schedule %s',
    async (schedule) => {
      const exact = starts.flatMap((x) => gaussianTrajectory(bell.means[0]!, bell.std, x, sigma_max, 0))
      const error = async (steps: number) =>
        distance(await solve(name, bell, noiseSchedule(schedule, steps, RANGE)), exact)
      expect(await error(400)).toBeLessThan(0.03)
      expect(await error(400)).toBeLessThan((await error(20)) / 5)
    },
  )

  it('is exact for a single picture, whatever the steps', async () => {
    const point = gaussian([0.3, -0.7], 0)
    const someLevels = fc.array(fc.integer({ min: 1, max: 19 }), { maxLength: 6 }).map((twentieths) => {
      const list = [sigma_max]
      for (const n of twentieths) list.push((list.at(-1)! * n) / 20)
      return list
    })
    await fc.assert(
      fc.asyncProperty(someLevels, async (sigmas) => {
        const last = sigmas.at(-1)!
        const onTheWay = await solve(name, point, sigmas)
        const straight = starts.flatMap((x) => gaussianTrajectory(point.means[0]!, 0, x, sigma_max, last))
        expect(distance(onTheWay, straight)).toBeLessThan(1e-4)
        expect(await solve(name, point, [...sigmas, 0])).toEqual(
          Float32Array.from(starts.flatMap(() => [0.3, -0.7])),
        )
      }),
    )
  })

  it('evaluates the denoiser as often as `evaluations` says, at levels of the schedule only', async () => {
    for (let steps = 1; steps <= 6; steps++) {
      const sigmas = noiseSchedule('karras', steps, RANGE)
      const { denoise, calls } = denoiseFunction(mixture)
      await SOLVERS[name].sample(denoise, start, sigmas)
      expect(calls).toHaveLength(SOLVERS[name].evaluations(steps))
      for (const sigma of calls) expect(sigmas.slice(0, -1)).toContain(sigma)
    }
  })

  it('reports every step, and leaves its input alone', async () => {
    const copy = start.slice()
    const sigmas = noiseSchedule('karras', 4, RANGE)
    const { denoise } = denoiseFunction(mixture)
    const seen: { step: number; x: Float32Array; denoised: Float32Array }[] = []
    const end = await SOLVERS[name].sample(denoise, start, sigmas, {
      onStep: (step, x, denoised) => void seen.push({ step, x, denoised }),
    })
    expect(start).toEqual(copy)
    expect(seen.map(({ step }) => step)).toEqual([0, 1, 2, 3])
    expect(seen[0]!.denoised).toEqual(await denoise(start, sigmas[0]!))
    expect(seen[3]!.denoised).toEqual(await denoise(seen[2]!.x, sigmas[3]!))
    expect(seen[3]!.x).toEqual(end)
  })
})

it('heun takes the steps that algorithm 1 of Karras et al. 2022 takes', async () => {
  // Data N(0, 1), from x = 3 at σ = 2: d = 3·2/5 = 1.2, Euler to σ = 1 gives 1.8, d' = 0.9, mean 1.05.
  const { denoise } = denoiseFunction(gaussian([0], 1))
  const [x] = await SOLVERS.heun.sample(denoise, Float32Array.of(3), [2, 1])
  expect(x).toBeCloseTo(1.95, 6)
})

it('dpmpp_2m takes the steps that algorithm 2 of Lu et al. 2022 takes', async () => {
  // Data N(0, 1), from x = 3 at σ = 4, levels 4, 2, 1/2: λ = −ln σ, so h = ln 2, then ln 4, and r = 1/2.
  // First step, order 1: D = 3/17, x = 3/2 + D/2. Second: D = 2·D(x, 2) − D₀ with D(x, 2) = x/5.
  const x1 = 1.5 + 0.5 * (3 / 17)
  const D = 2 * (x1 / 5) - 3 / 17
  const { denoise } = denoiseFunction(gaussian([0], 1))
  const [x] = await SOLVERS.dpmpp_2m.sample(denoise, Float32Array.of(3), [4, 2, 0.5])
  expect(x).toBeCloseTo(0.25 * x1 + 0.75 * D, 6)
})

describe('levels that are all the same, as of an edit that changes nothing', () => {
  it.each(NAMES)('leave numbers to %s', async (name) => {
    const x = await SOLVERS[name].sample(
      async (x) => x.map((value) => value / 2),
      Float32Array.of(1, -2),
      [0.01, 0.01, 0.01, 0.01, 0],
    )
    for (const value of x) expect(value).toSatisfy(Number.isFinite)
  })
})
