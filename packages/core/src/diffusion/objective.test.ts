import { describe, expect, it } from 'vitest'
import type { Tensor } from '../tensor/index.js'
import type { Denoiser } from './denoiser.js'
import { diffusion } from './objective.js'
import { perPicture } from './per-picture.js'
import { noiseLevels, PREDICTIONS } from './prediction.js'
import { compute, contextOf, denoiserOf, generator, kolmogorov, type Mixture, RANGE } from './testing.js'

const LEVELS = [0.05, 0.3, 1, 4]
const GRID = 161

/** Standard normal weights on an even grid from −8 to 8: the trapezium rule, exact to about 1e-14 for such integrals. */
const grid = Array.from({ length: GRID }, (_, i) => (i - 80) / 10)
const density = grid.map((e) => (0.1 * Math.exp((-e * e) / 2)) / Math.sqrt(2 * Math.PI))

/**
 * The expected loss at a noise level, by quadrature over the noise, for pictures of one pixel that are one of the
 * values, with the given probabilities.
 */
const expectedLoss = (
  values: readonly number[],
  probabilities: readonly number[],
  sigma: number,
  student: Denoiser,
): number => {
  const b = values.length * GRID
  const { loss } = compute(
    {
      x0: [[b, 1, 1, 1], values.flatMap((value) => grid.map(() => value))],
      noise: [[b, 1, 1, 1], values.flatMap(() => grid)],
      t: [[b], Array(b).fill(sigma)],
      r: [[b], Array(b).fill(0)],
    },
    ({ x0, noise, t, r }) => ({
      loss: diffusion.loss(
        contextOf({ student, x0: x0!, noise: noise!, t: t!, r: r!, condition: {} }),
        diffusion.options,
      ),
    }),
  )
  const weights = probabilities.flatMap((p) => density.map((w) => p * w))
  return loss!.reduce((sum, value, i) => sum + weights[i]! * value, 0)
}

describe('the diffusion loss', () => {
  it('is 1 at every level for an untrained network, F = 0, on data of the assumed deviation', () => {
    const untrained: Denoiser = {
      range: RANGE,
      denoise(x, sigma) {
        const { c_skip } = PREDICTIONS.edm.scalings(noiseLevels(sigma, RANGE.sigma_data))
        return x.mul(perPicture(c_skip, x))
      },
    }
    const { sigma_data } = RANGE
    for (const sigma of LEVELS)
      expect(expectedLoss([sigma_data, -sigma_data], [0.5, 0.5], sigma, untrained)).toBeCloseTo(1, 10)
  })

  it.each(LEVELS)('has its minimum where the denoiser is the posterior mean: σ = %d', (sigma) => {
    // Two pictures, 1/2 with probability 1/(1 + e^½), −3/4 otherwise.
    const data: Mixture = { logits: [0, 0.5], means: [[0.5], [-0.75]], std: 0 }
    const values = [0.5, -0.75]
    const p = 1 / (1 + Math.exp(0.5))
    const exact = denoiserOf(data)
    const lossOf = (student: Denoiser) => expectedLoss(values, [p, 1 - p], sigma, student)
    const lambda = (sigma ** 2 + 0.25) / (sigma * 0.5) ** 2
    /** Mean of a function of the noisy picture. */
    const mean = (f: (x: number) => number) =>
      grid.reduce((sum, e, i) => {
        const [one, other] = values.map((value) => f(value + sigma * e)) as [number, number]
        return sum + density[i]! * (p * one + (1 - p) * other)
      }, 0)
    const changes = [
      { of: (x: Tensor) => x.zerosLike().add(1), square: mean(() => 1) },
      { of: (x: Tensor) => x, square: mean((x) => x ** 2) },
      { of: (x: Tensor) => x.square(), square: mean((x) => x ** 4) },
    ]
    for (const { of, square } of changes)
      for (const by of [0.125, -0.125]) {
        const student: Denoiser = {
          range: RANGE,
          denoise: (x, t) => exact.denoise(x, t).add(of(x).mul(by)),
        }
        // The error of `exact` is orthogonal to every function of x, so all that a change adds is its own square.
        const excess = lossOf(student) - lossOf(exact)
        expect(excess / (lambda * by ** 2 * square)).toBeCloseTo(1, 7)
      }
  })

  it('is the weighted mean over the pixels, for each picture by itself', () => {
    const zero: Denoiser = { range: RANGE, denoise: (x) => x.zerosLike() }
    const { loss } = compute(
      {
        x0: [
          [2, 1, 1, 2],
          [1, 3, 2, 0],
        ],
        noise: [
          [2, 1, 1, 2],
          [9, 9, 9, 9],
        ],
        t: [[2], [0.5, 1]],
        r: [[2], [0, 0]],
      },
      ({ x0, noise, t, r }) => ({
        loss: diffusion.loss(
          contextOf({ student: zero, x0: x0!, noise: noise!, t: t!, r: r!, condition: {} }),
          diffusion.options,
        ),
      }),
    )
    // λ(1/2) = (1/4 + 1/4)/(1/4)² = 8, λ(1) = (1 + 1/4)/(1/2)² = 5.
    expect(loss![0]).toBeCloseTo((8 * (1 + 9)) / 2, 12)
    expect(loss![1]).toBeCloseTo((5 * 4) / 2, 12)
  })

  it('shows the denoiser the picture with noise of level t, and hands on the condition', () => {
    const seen: Denoiser = {
      range: RANGE,
      denoise: (x, sigma, { condition } = {}) =>
        x.sub(perPicture(condition!.sum([1, 2]), x)).mul(perPicture(sigma.zerosLike().add(1), x)),
    }
    // x − condition = x₀ + tε − condition is x₀ where the condition is tε.
    const { loss } = compute(
      {
        x0: [
          [1, 1, 1, 2],
          [1, -2],
        ],
        noise: [
          [1, 1, 1, 2],
          [3, 3],
        ],
        t: [[1], [2]],
        condition: [[1, 1, 1], [6]],
      },
      ({ x0, noise, t, condition }) => ({
        loss: diffusion.loss(
          contextOf({
            student: seen,
            x0: x0!,
            noise: noise!,
            t: t!,
            r: t!,
            condition: { condition: condition! },
          }),
          diffusion.options,
        ),
      }),
    )
    expect(loss).toEqual([0])
  })
})

describe('the noise levels of diffusion training', () => {
  const COUNT = 4000
  /** Beyond this, one sample in a thousand would lie if the distribution were right. */
  const LIMIT = 1.95 / Math.sqrt(COUNT)
  const wide = { sigma_min: 1e-4, sigma_max: 1e4, sigma_data: 0.5 }

  const draw = (options: typeof diffusion.options, range = RANGE): number[] => {
    const random = generator(7)
    const pairs = Array.from({ length: COUNT }, () =>
      diffusion.times(random, { range, progress: 0.5 }, options),
    )
    expect(pairs.filter(({ t, r }) => r !== t)).toEqual([])
    return pairs.map(({ t }) => t)
  }
  const normalCdf = (z: number): number => {
    const step = (z + 8) / 800
    let sum = 0
    for (let i = 0; i < 800; i++) sum += Math.exp(-((-8 + (i + 0.5) * step) ** 2) / 2)
    return (sum * step) / Math.sqrt(2 * Math.PI)
  }
  /** Where σ lies in the Karras schedule, from sigma_max (0) to sigma_min (1). */
  const position = (sigma: number, { sigma_min, sigma_max } = RANGE): number =>
    (sigma_max ** (1 / 7) - sigma ** (1 / 7)) / (sigma_max ** (1 / 7) - sigma_min ** (1 / 7))

  it('are lognormal', () => {
    const logs = draw({ ...diffusion.options, P_mean: -0.6, P_std: 1.4, uniform: 0 }, wide).map(Math.log)
    expect(kolmogorov(logs, (log) => normalCdf((log + 0.6) / 1.4))).toBeLessThan(LIMIT)
  })

  it('or even over the Karras schedule', () => {
    const positions = draw({ ...diffusion.options, uniform: 1 }).map((sigma) => position(sigma))
    expect(kolmogorov(positions, (u) => Math.min(Math.max(u, 0), 1))).toBeLessThan(LIMIT)
  })

  it('or a share of each', () => {
    // A lognormal that is far below the schedule's middle tells the two apart.
    const options = { ...diffusion.options, P_mean: -8, P_std: 0.1, uniform: 0.25 }
    const share = draw(options, wide).filter((sigma) => sigma > 1e-3).length / COUNT
    const below = 1 - position(1e-3, wide)
    expect(Math.abs(share - 0.25 * (1 - below))).toBeLessThan(4 * Math.sqrt(0.19 / COUNT))
  })

  it('stay within the range, to which the lognormal is cut', () => {
    const { sigma_min, sigma_max } = RANGE
    const sigmas = draw({ P_mean: 0, P_std: 4, uniform: 0.2 })
    expect(Math.max(...sigmas)).toBe(sigma_max)
    expect(Math.min(...sigmas)).toBe(sigma_min)
    const atTop = sigmas.filter((sigma) => sigma === sigma_max).length / COUNT
    expect(Math.abs(atTop - 0.8 * normalCdf(-Math.log(sigma_max) / 4))).toBeLessThan(
      4 * Math.sqrt(0.2 / COUNT),
    )
  })
})
