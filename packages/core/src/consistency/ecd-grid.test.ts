import { describe, expect, it } from 'vitest'
import {
  type Denoiser,
  karrasPosition,
  karrasSigma,
  noised,
  odeStep,
  perPicture,
} from '../diffusion/index.js'
import {
  bell,
  contextOf,
  denoiserOf,
  generator,
  kolmogorov,
  mixture,
  RANGE,
  trajectory,
} from '../diffusion/testing.js'
import { constant, grad, type Tensor } from '../tensor/index.js'
import { ecdGrid } from './ecd-grid.js'
import { exactStudent, type Inputs, lossOf as methodLoss, noise, onBatch, point, t, x0 } from './testing.js'

const { sigma_min, sigma_max, sigma_data } = RANGE
const ONE_STEP = ['ddim', 'heun'] as const
const ORDER = { ddim: 1, heun: 2 }
type Options = typeof ecdGrid.options

const x_t = x0.map((value, i) => value + t[Math.floor(i / 2)]! * noise[i]!)
const below = (share: number) => t.map((sigma) => sigma * (1 - share))

/** With one step of the teacher's, unless the options say more. */
const lossOf = (
  { x0, noise, t, r }: Pick<Inputs, 'x0' | 'noise' | 't' | 'r'>,
  student: Denoiser,
  teacher: Denoiser,
  options: Partial<Options>,
): Tensor => methodLoss(ecdGrid, { student, teacher, x0, noise, t, r }, { substeps: 1, ...options })

describe.each(ONE_STEP)('the distillation loss of exact models vanishes as it should: %s', (solver) => {
  const orders = (lossAt: (r: readonly number[]) => number[], power: number) => {
    const [whole, half, quarter] = [0.04, 0.02, 0.01].map((share) => lossAt(below(share)))
    for (const i of [0, 1, 2]) {
      expect(whole![i]).toBeGreaterThan(1e-11)
      expect(Math.abs(Math.log2(half![i]! / quarter![i]!) - power)).toBeLessThan(0.1)
    }
  }

  const gaussianLoss = (huber: number) => (r: readonly number[]) =>
    onBatch({ r }, (inputs) => ({
      loss: lossOf(inputs, exactStudent(bell), denoiserOf(bell), { solver, huber }),
    })).loss!

  /** f(x, σ) by fine integration. */
  const ends = (x: readonly number[], sigma: readonly number[]) =>
    sigma.flatMap((from, i) => trajectory(mixture, x.slice(2 * i, 2 * i + 2), from, sigma_min, 1500))
  const f_t = ends(x_t, t)
  /** The student's values are f at x_t and at the end of the teacher's step. */
  const mixtureLoss = (r: readonly number[]) => {
    const teacher = denoiserOf(mixture)
    const { x_r } = onBatch({ r }, ({ x0, noise, t, r }) => ({
      x_r: odeStep(teacher, noised(x0, noise, t), t, r, {}, solver),
    }))
    return onBatch(
      { r },
      (inputs) => {
        const student: Denoiser = {
          range: RANGE,
          denoise: (_, sigma) => (sigma === inputs.t ? inputs.f_t! : inputs.f_r!),
        }
        return { loss: lossOf(inputs, student, teacher, { solver, huber: 0 }) }
      },
      { f_t, f_r: ends(x_r!, r) },
    ).loss!
  }

  it('a Gaussian, as a norm', () => orders(gaussianLoss(0), ORDER[solver] + 1))
  it('a Gaussian, as a square near 0', () => orders(gaussianLoss(2 ** -10), 2 * (ORDER[solver] + 1)))
  it('a mixture of Gaussians', () => orders(mixtureLoss, ORDER[solver] + 1))

  it('a single picture: at once, for any step', () => {
    for (const r of [below(0.01), below(0.9), t.map(() => sigma_min)]) {
      const { loss } = onBatch({ r }, (inputs) => ({
        loss: lossOf(inputs, exactStudent(point), denoiserOf(point), { solver, huber: 0 }),
      }))
      for (const value of loss!) expect(value).toBeLessThan(1e-13)
    }
  })
})

describe('the distillation loss', () => {
  it('asks the student twice: at x_t, and at the end of the teacher’s step', () => {
    for (const solver of ONE_STEP) {
      const calls: { x: Tensor; sigma: Tensor }[] = []
      const student: Denoiser = {
        range: RANGE,
        denoise(x, sigma) {
          calls.push({ x, sigma })
          return x
        },
      }
      const r = below(0.5)
      const seen = onBatch({ r }, (inputs) => {
        const { x0, noise, t, r } = inputs
        lossOf(inputs, student, denoiserOf(mixture), { solver })
        expect(calls).toHaveLength(2)
        const [high, low] = calls[0]!.sigma === t ? calls : [...calls].reverse()
        expect([high!.sigma, low!.sigma]).toEqual([t, r])
        const x_r = odeStep(denoiserOf(mixture), noised(x0, noise, t), t, r, {}, solver)
        return { high: high!.x, low: low!.x, x_r }
      })
      expect(seen.high).toEqual(x_t)
      expect(seen.low).toEqual(seen.x_r)
    }
  })

  it('is the pseudo-Huber norm of the error in units of c_out', () => {
    // The student is exact for a single picture, but for 3/8 of c_out(t) in one pixel and 1/2 in the other at t.
    const { loss } = onBatch({ r: below(0.5) }, (inputs) => {
      const exact = exactStudent(point)
      const student: Denoiser = {
        range: RANGE,
        denoise(x, sigma) {
          const f = exact.denoise(x, sigma)
          if (sigma !== inputs.t) return f
          const c_out = sigma.mul(sigma_data).div(
            sigma
              .square()
              .add(sigma_data ** 2)
              .sqrt(),
          )
          return f.add(constant([0.375, -0.5], [1, 1, 1, 2]).mul(perPicture(c_out, f)))
        },
      }
      return { loss: lossOf(inputs, student, denoiserOf(point), { huber: 0.25 }) }
    })
    const expected = Math.sqrt((0.375 ** 2 + 0.5 ** 2) / 2 + 0.25 ** 2) - 0.25
    expect(loss).toHaveLength(3)
    for (const value of loss!) expect(value).toBeCloseTo(expected, 12)
  })

  it('hands the condition to the student and to the teacher', () => {
    const conditions: Record<string, unknown[]> = { student: [], teacher: [] }
    const recording = (who: string): Denoiser => ({
      range: RANGE,
      denoise(x, _, condition) {
        conditions[who]!.push(condition)
        return x
      },
    })
    onBatch({ r: below(0.5) }, (inputs) => {
      const condition = { condition: inputs.x0.reshape([3, 1, 2]) }
      const loss = ecdGrid.loss(
        contextOf({ ...inputs, student: recording('student'), teacher: recording('teacher'), condition }),
        { ...ecdGrid.options, solver: 'heun', substeps: 1 },
      )
      expect(conditions).toEqual({ student: [condition, condition], teacher: [condition, condition] })
      return { loss }
    })
  })

  describe.each(ONE_STEP)('has a gradient: %s', (solver) => {
    /** Exact for θ = 0, off by θ(σ − sigma_min) otherwise; the target's θ is an input of its own, `frozen`. */
    const perturbed = ({ t, theta, frozen }: Inputs): Denoiser => ({
      range: RANGE,
      denoise(x, sigma) {
        const off = perPicture(sigma.sub(sigma_min), x).mul(sigma === t ? theta : frozen)
        return exactStudent(bell).denoise(x, sigma).add(off)
      },
    })
    /** Loss and gradients, with one θ throughout unless the target has another. */
    const at = (theta: number, frozen = theta, share = 0.1) =>
      onBatch(
        { r: below(share) },
        (inputs) => {
          const loss = lossOf(inputs, perturbed(inputs), denoiserOf(bell), { solver, huber: 0.125 }).sum()
          const shared = lossOf(inputs, perturbed({ ...inputs, frozen: inputs.theta }), denoiserOf(bell), {
            solver,
            huber: 0.125,
          }).sum()
          const [gradient, ofFrozen] = grad(loss, [inputs.theta, inputs.frozen])
          return { loss, gradient: gradient!, ofFrozen: ofFrozen!, shared: grad(shared, [inputs.theta])[0]! }
        },
        { theta: [theta], frozen: [frozen] },
      )
    const slope = (f: (h: number) => number) => (f(1e-6) - f(-1e-6)) / 2e-6

    it.each([-0.5, -0.1, 0.1, 0.5])('that points back to the exact student from θ = %d', (theta) => {
      const { gradient } = at(theta)
      expect(Math.sign(gradient![0]!)).toBe(Math.sign(theta))
    })

    it.each([-0.5, -0.1, 0, 0.3])('of the student with the target held fixed: θ = %d', (theta) => {
      const { gradient, shared, ofFrozen } = at(theta)
      const difference = slope((h) => at(theta + h, theta).loss![0]!)
      expect(Math.abs(gradient![0]! - difference)).toBeLessThan(1e-6 * (1 + Math.abs(difference)))
      // The same when student and target share their weights, as they do in training …
      expect(shared![0]).toBeCloseTo(gradient![0]!, 12)
      // … although the target's weights matter to the loss.
      expect(ofFrozen).toEqual([0])
      if (theta !== 0) expect(Math.abs(slope((h) => at(theta, theta + h).loss![0]!))).toBeGreaterThan(0.1)
    })

    it(`that vanishes near the exact student, to order ${ORDER[solver]} of the teacher’s step`, () => {
      const rootAt = (share: number): number => {
        let [low, high] = [-0.5, 0.5]
        for (let i = 0; i < 32; i++) {
          const middle = (low + high) / 2
          if (at(middle, middle, share).gradient![0]! < 0) low = middle
          else high = middle
        }
        return low
      }
      const [whole, half] = [rootAt(0.04), rootAt(0.02)]
      expect(Math.abs(whole)).toBeGreaterThan(1e-7)
      expect(Math.abs(Math.log2(whole / half) - ORDER[solver])).toBeLessThan(0.1)
    })

    it('that leaves the teacher alone', () => {
      const { gradient, loss } = onBatch(
        { r: below(0.1) },
        (inputs) => {
          const exact = denoiserOf(bell)
          const teacher: Denoiser = {
            range: RANGE,
            denoise: (x, sigma) => exact.denoise(x, sigma).add(inputs.theta),
          }
          const loss = lossOf(inputs, exactStudent(bell), teacher, { solver, huber: 0.125 }).sum()
          return { loss, gradient: grad(loss, [inputs.theta])[0]! }
        },
        { theta: [0.5] },
      )
      expect(loss![0]).toBeGreaterThan(1e-3)
      expect(gradient).toEqual([0])
    })
  })
})

describe('the noise levels of distillation', () => {
  const COUNT = 4000
  const LIMIT = 1.95 / Math.sqrt(COUNT)
  const grids = [2, 5, 10]

  const position = (sigma: number): number => karrasPosition(sigma, RANGE)

  const draw = (options: Partial<Options>, progress: number, count = COUNT) => {
    const random = generator(11)
    return Array.from({ length: count }, () =>
      ecdGrid.times(random, { range: RANGE, progress }, { ...ecdGrid.options, ...options }),
    )
  }

  it.each([0, 0.3, 0.5, 0.99])('are within the range, r below t, at progress %d', (progress) => {
    const pairs = draw({ grids, top: 0.25 }, progress)
    expect(Math.max(...pairs.map(({ t }) => t))).toBeLessThanOrEqual(sigma_max * (1 + 1e-12))
    expect(Math.min(...pairs.map(({ r }) => r))).toBeGreaterThanOrEqual(sigma_min * (1 - 1e-12))
    expect(pairs.filter(({ t, r }) => r >= t)).toEqual([])
  })

  it.each([0, 0.25, 1])('are exactly sigma_max for the share `top`: %d', (top) => {
    const share = draw({ top }, 0).filter(({ t }) => Math.fround(t) === sigma_max).length / COUNT
    expect(Math.abs(share - top)).toBeLessThanOrEqual(4 * Math.sqrt((top * (1 - top)) / COUNT))
  })

  it('are even over the Karras schedule otherwise', () => {
    const positions = draw({ top: 0 }, 0).map(({ t }) => position(t))
    expect(kolmogorov(positions, (u) => u)).toBeLessThan(LIMIT)
    const below = draw({ top: 0.25 }, 0)
      .filter(({ t }) => Math.fround(t) !== sigma_max)
      .map(({ t }) => position(t))
    expect(kolmogorov(below, (u) => u)).toBeLessThan(1.95 / Math.sqrt(below.length))
  })

  it.each([
    { progress: 0, N: 2 },
    { progress: 0.33, N: 2 },
    { progress: 0.34, N: 5 },
    { progress: 0.66, N: 5 },
    { progress: 0.67, N: 10 },
    { progress: 0.999, N: 10 },
    { progress: 1, N: 10 },
  ])('are one of $N steps apart at progress $progress, or r is sigma_min', ({ progress, N }) => {
    const pairs = draw({ grids, top: 0.25 }, progress, 500)
    for (const { t, r } of pairs) {
      const down = position(t) + 1 / N
      if (down < 1 - 1e-9) expect(r / karrasSigma(down, RANGE)).toBeCloseTo(1, 9)
      else expect(r).toBeCloseTo(sigma_min, 9)
    }
    const atBottom = pairs.filter(({ r }) => r === sigma_min).length / pairs.length
    expect(Math.abs(atBottom - 0.75 / N)).toBeLessThan(4 * Math.sqrt(0.25 / 500))
  })

  it('depend on the random numbers alone', () => {
    expect(draw({}, 0.4, 5)).toEqual(draw({}, 0.4, 5))
  })
})
