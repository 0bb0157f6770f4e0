/** The solvers in a graph. */
import { describe, expect, it } from 'vitest'
import type { Denoiser } from './denoiser.js'
import { perPicture } from './per-picture.js'
import { odeStep, SOLVER_NAMES, SOLVERS, type SolverName } from './solvers.js'
import {
  bell,
  compute,
  denoiseFunction,
  denoiserOf,
  distance,
  gaussian,
  gaussianTrajectory,
  mixture,
  RANGE,
  trajectory,
} from './testing.js'

const ONE_STEP = ['ddim', 'heun'] as const
const ORDER = { ddim: 1, heun: 2 }

/** Pictures of two pixels, and a noise level for each. */
const pictures = [
  [1.5, -0.5],
  [-1, 2],
  [4, -6],
] as const
const levels = [0.5, 1.5, 6]

const step = (
  denoiser: Denoiser,
  r: readonly number[],
  solver: SolverName,
  t: readonly number[] = levels,
): number[][] => {
  const { y } = compute({ x: [[3, 1, 1, 2], pictures.flat()], t: [[3], t], r: [[3], r] }, ({ x, t, r }) => ({
    y: odeStep(denoiser, x!, t!, r!, {}, solver),
  }))
  return [0, 1, 2].map((i) => y!.slice(2 * i, 2 * i + 2))
}

describe.each(ONE_STEP)('odeStep: %s', (solver) => {
  it.each([
    {
      data: 'a Gaussian',
      of: bell,
      exact: (x: readonly number[], t: number, r: number) =>
        gaussianTrajectory(bell.means[0]!, bell.std, x, t, r),
    },
    {
      data: 'a mixture',
      of: mixture,
      exact: (x: readonly number[], t: number, r: number) => trajectory(mixture, x, t, r, 200),
    },
  ])(`has a local error of order ${ORDER[solver] + 1}: $data`, ({ of, exact }) => {
    const errorsAt = (share: number) => {
      const r = levels.map((t) => t * (1 - share))
      return step(denoiserOf(of), r, solver).map((y, i) =>
        distance(y, exact(pictures[i]!, levels[i]!, r[i]!)),
      )
    }
    const [whole, half, quarter] = [0.02, 0.01, 0.005].map(errorsAt)
    for (const i of [0, 1, 2]) {
      expect(whole![i]).toBeGreaterThan(1e-8)
      expect(Math.log2(half![i]! / quarter![i]!)).toBeCloseTo(ORDER[solver] + 1, 1)
    }
  })

  it('is exact for a single picture, however long the step', () => {
    const point = gaussian([0.25, -0.75], 0)
    const r = [0.01, 1.4, 0.02]
    for (const [i, y] of step(denoiserOf(point), r, solver).entries())
      expect(
        distance(y, gaussianTrajectory(point.means[0]!, 0, pictures[i]!, levels[i]!, r[i]!)),
      ).toBeLessThan(1e-12)
  })

  it('is the step that the solver of the same name takes when sampling', async () => {
    const { denoise } = denoiseFunction(mixture)
    const ys = step(denoiserOf(mixture), [0.25, 0.25, 0.25], solver)
    for (const [i, y] of ys.entries()) {
      const x = Float32Array.from(pictures[i]!)
      const sampled = await SOLVERS[solver].sample(denoise, x, [levels[i]!, 0.25])
      expect(distance(y, sampled)).toBeLessThan(1e-5)
    }
  })

  it('stays where it is when the step has no length', () => {
    expect(step(denoiserOf(mixture), levels, solver)).toEqual(pictures)
  })

  it('asks the denoiser for the given condition', () => {
    // Data: the single picture that the condition names.
    const named: Denoiser = {
      range: RANGE,
      denoise: (x, _, { condition } = {}) => x.zerosLike().add(perPicture(condition!.sum([1, 2]), x)),
    }
    const { y } = compute(
      {
        x: [
          [2, 1, 1, 1],
          [4, 4],
        ],
        t: [[2], [2, 2]],
        r: [[2], [1, 1]],
        c: [
          [2, 1, 1],
          [0, 2],
        ],
      },
      ({ x, t, r, c }) => ({ y: odeStep(named, x!, t!, r!, { condition: c! }, solver) }),
    )
    expect(y).toEqual([2, 3])
  })
})

describe.each(SOLVER_NAMES)('the trajectory: %s', (solver) => {
  const end = [0.1, 0.2, 0.5]
  /** Points and levels of the way, each as it is for the three pictures. */
  const path = (substeps: number, r = end): { points: number[][][]; sigmas: number[][] } => {
    const inputs: Parameters<typeof compute>[0] = {
      x: [[3, 1, 1, 2], pictures.flat()],
      t: [[3], levels],
      r: [[3], r],
    }
    const found = compute(inputs, ({ x, t, r }) => {
      const sigmas = Array.from({ length: substeps + 1 }, (_, i) =>
        i === substeps ? r! : t!.mul(r!.div(t!).pow(i / substeps)),
      )
      return Object.fromEntries(
        SOLVERS[solver].trajectory(denoiserOf(mixture), x!, sigmas, {}).flatMap(({ x, sigma }, i) => [
          [`x${i}`, x],
          [`sigma${i}`, sigma],
        ]),
      )
    })
    const all = Array.from({ length: substeps + 1 }, (_, i) => i)
    return {
      points: all.map((i) => [0, 1, 2].map((k) => found[`x${i}`]!.slice(2 * k, 2 * k + 2))),
      sigmas: all.map((i) => found[`sigma${i}`]!),
    }
  }

  it('begins where it is told to, and ends there after one step or several', () => {
    for (const substeps of [1, 3]) {
      const { points, sigmas } = path(substeps)
      expect(points[0]).toEqual(pictures)
      expect([sigmas[0], sigmas.at(-1)]).toEqual([levels, end])
    }
    const once = step(denoiserOf(mixture), end, solver === 'heun' ? 'heun' : 'ddim')
    for (const [i, y] of path(1).points[1]!.entries()) expect(distance(y, once[i]!)).toBeLessThan(1e-12)
  })

  it(`follows the trajectory to order ${solver === 'ddim' ? 1 : 2}, at its end and halfway`, () => {
    const errors = [16, 32, 64].map((substeps) => {
      const { points, sigmas } = path(substeps)
      return [substeps / 2, substeps].map((at) =>
        points[at]!.map((y, i) =>
          distance(y, trajectory(mixture, pictures[i]!, levels[i]!, sigmas[at]![i]!, 800)),
        ),
      )
    })
    for (const at of [0, 1])
      for (const i of [0, 1, 2]) {
        const order = Math.log2(errors[1]![at]![i]! / errors[2]![at]![i]!)
        expect(order).toBeGreaterThan(solver === 'ddim' ? 0.75 : 1.6)
      }
  })

  it('is the way that the solver of the same name takes when sampling', async () => {
    const { denoise } = denoiseFunction(mixture)
    const { points, sigmas } = path(6)
    for (const [i, picture] of pictures.entries()) {
      const way = sigmas.map((sigma) => sigma[i]!)
      const sampled = await SOLVERS[solver].sample(denoise, Float32Array.from(picture), way)
      expect(distance(points[6]![i]!, sampled)).toBeLessThan(1e-4)
    }
  })

  it('stays where it is when the way has no length', () => {
    for (const here of path(4, levels).points)
      for (const [i, y] of here.entries()) expect(distance(y, pictures[i]!)).toBeLessThan(1e-9)
  })
})
