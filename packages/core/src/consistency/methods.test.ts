/** What holds for all methods: exact models lose nothing, and from others the gradient leads back to them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Denoiser, diffusion, type Objective, perPicture, type Times } from '../diffusion/index.js'
import { bell, denoiserOf, generator, mixture, RANGE } from '../diffusion/testing.js'
import { constant, grad, type Tensor } from '../tensor/index.js'
import { METHODS } from './index.js'
import {
  exactFlowMap,
  exactFor,
  exactStudent,
  expected,
  lossOf,
  onBatch,
  ownFor,
  point,
  secondOf,
  t,
} from './testing.js'

const { sigma_min, sigma_max } = RANGE
const below = (share: number) => t.map((sigma) => sigma * (1 - share))
const methods = Object.values(METHODS)

/**
 * By method: options that make its loss a plain power of the error near 0, and the power of the step with which it then
 * vanishes (an ODE step of order p leaves an error of order p + 1); none for those without a step.
 */
const VANISHING: readonly { name: string; options: object; power?: number }[] = [
  { name: 'ecd-grid', options: { solver: 'ddim', substeps: 1, huber: 0 }, power: 2 },
  { name: 'ecd-grid', options: { solver: 'heun', substeps: 1, huber: 0 }, power: 3 },
  { name: 'ecd-grid', options: { solver: 'dpmpp_2m', substeps: 4, huber: 0 }, power: 2 },
  { name: 'cd', options: { solver: 'ddim' }, power: 4 },
  { name: 'cd', options: { solver: 'heun' }, power: 6 },
  { name: 'cd', options: { solver: 'heun', distance: 'l1' }, power: 3 },
  { name: 'cd', options: { solver: 'heun', distance: 'huber', huber: 0 }, power: 3 },
  { name: 'lcm', options: { huber: 0 }, power: 2 },
  { name: 'soflow', options: { solver: 'ddim', huber: 0 }, power: 2 },
  { name: 'soflow', options: { solver: 'heun', huber: 0 }, power: 3 },
  { name: 'ct', options: {}, power: 4 },
  { name: 'ict', options: { huber: 0 }, power: 1 },
  { name: 'ect', options: { huber: 0 }, power: 1 },
  { name: 'scd', options: {} },
  { name: 'scd', options: { prior: true } },
  { name: 'sct', options: {} },
  { name: 'meanflow', options: { improved: true } },
  { name: 'meanflow', options: { improved: false } },
  { name: 'dmd', options: {} },
]

it('all methods are put to the test', () => {
  // The step of `ecd` is a share of the whole trajectory; see ecd.test.ts.
  const names = ['ecd', ...VANISHING.map(({ name }) => name)]
  expect(new Set(names)).toEqual(new Set(Object.keys(METHODS)))
})

describe('every option', () => {
  const all = [...methods, diffusion].flatMap(({ name, options, rules }) =>
    Object.entries(options).map(([option, value]) => ({ method: name, option, value, rule: rules[option]! })),
  )

  it.each(all)('has a default that it may be: $option of $method', ({ value, rule }) => {
    expect(rule.default).toEqual(value)
    expect(rule.allows(value)).toBe(true)
    expect(rule.read(String(value))).toEqual(value)
    for (const wrong of [Number.NaN, 'magic', [], undefined]) expect(rule.allows(wrong)).toBe(false)
  })

  it('of one name is of one kind in every method', () => {
    for (const { option, rule } of all) {
      if (option === 'solver') continue
      const same = all.filter((one) => one.option === option)
      expect(new Set(same.map((one) => one.rule.expected)), option).toEqual(new Set([rule.expected]))
    }
  })
})

/** The loss of the exact student on the Gaussian: with the exact teacher, or with what the data say on average. */
const exactLoss = (
  method: Objective,
  options: object,
  r: readonly number[],
  s?: readonly number[],
): number[] =>
  onBatch({ r, s }, (inputs) => ({
    loss: lossOf(
      method,
      {
        ...inputs,
        student: exactFor(method, bell),
        progress: constant(1),
        ...(method.teacher ? { teacher: denoiserOf(bell) } : expected(inputs, bell)),
      },
      options,
    ),
  })).loss!

describe.each(VANISHING)('the loss of exact models: $name $options', ({ name, options, power }) => {
  const method = METHODS[name]!
  const ends = method.flow_map ? [undefined, t.map((sigma) => sigma * 0.5)] : [undefined]

  it.each(ends)(
    power ? `vanishes with power ${power} of the step, to %o` : 'is zero to rounding, to %o',
    (s) => {
      if (power === undefined) {
        for (const value of exactLoss(method, options, t, s)) expect(Math.abs(value)).toBeLessThan(1e-24)
        return
      }
      const [whole, half, quarter] = [0.04, 0.02, 0.01].map((share) =>
        exactLoss(method, options, below(share), s),
      )
      for (const i of [0, 1, 2]) {
        expect(whole![i]).toBeGreaterThan(1e-20)
        expect(Math.abs(Math.log2(half![i]! / quarter![i]!) - power)).toBeLessThan(0.1 * power)
      }
    },
  )

  if (method.teacher === 'optional')
    it('vanishes without a teacher as well, on average over the data', () => {
      const at = (share: number) =>
        onBatch({ r: below(share) }, (inputs) => ({
          loss: lossOf(
            method,
            { ...inputs, ...expected(inputs, bell), student: exactFor(method, bell) },
            options,
          ),
        })).loss!
      const [half, quarter] = [at(0.02), at(0.01)]
      for (const i of [0, 1, 2]) {
        if (power === undefined) expect(half[i]).toBeLessThan(1e-24)
        else expect(Math.abs(Math.log2(half[i]! / quarter[i]!) - 2)).toBeLessThan(0.2)
      }
    })
})

describe.each(methods.map((method) => [method.name, method] as const))('the loss: %s', (_, method) => {
  it('is zero for a single picture, for any step, whatever the data say', () => {
    for (const r of [below(0.01), below(0.9), t.map(() => sigma_min)]) {
      const { loss } = onBatch({ r }, (inputs) => {
        const flat = { ...inputs, x0: constant([0.25, -0.75], [1, 1, 1, 2]).broadcastTo([3, 1, 1, 2]) }
        // Every trajectory is a straight line to the picture.
        const student = method.boundary ? exactStudent(point) : exactFlowMap(point)
        return {
          loss: lossOf(
            method,
            {
              ...flat,
              student,
              own: ownFor(method, point),
              ...(method.teacher && { teacher: denoiserOf(point) }),
            },
            { huber: 2 ** -10, solver: 'heun' },
          ),
        }
      })
      for (const value of loss!) expect(Math.abs(value)).toBeLessThan(1e-12)
    }
  })

  it('of a student that is not exact is more', () => {
    const { loss } = onBatch({ r: below(0.1) }, (inputs) => ({
      loss: lossOf(method, {
        ...inputs,
        student: { range: RANGE, denoise: (x) => x.mul(0.5) },
        ...(method.teacher && { teacher: denoiserOf(mixture) }),
      }),
    }))
    for (const value of loss!) expect(value).toBeGreaterThan(1e-4)
  })

  const offBy = (x: Tensor, sigma: Tensor, theta: Tensor) =>
    perPicture(sigma.sub(sigma_min).div(sigma.add(1)), x).mul(theta)
  /** Exact for θ = 0; otherwise off by θ·(σ − sigma_min)/(σ + 1), more at high levels, nothing at the bottom. */
  const perturbed = (theta: Tensor): Denoiser => ({
    range: RANGE,
    denoise: (x, sigma, condition) =>
      exactFor(method, bell)
        .denoise(x, sigma, condition)
        .add(offBy(x, sigma, theta)),
  })
  /** Knows that the student is off. */
  const follower = (theta: Tensor): Denoiser => ({
    range: RANGE,
    denoise(x, sigma) {
      const off = offBy(x, sigma, theta)
      return denoiserOf(bell).denoise(x.sub(off), sigma).add(off)
    },
  })
  const at = (theta: number, frozen = theta) =>
    onBatch(
      { r: below(0.1), s: method.flow_map ? t.map((sigma) => sigma * 0.3) : t.map(() => sigma_min) },
      (inputs) => {
        const loss = lossOf(
          method,
          {
            ...inputs,
            ...(method.teacher ? { teacher: denoiserOf(bell) } : expected(inputs, bell)),
            student: perturbed(inputs.theta),
            target: perturbed(inputs.frozen),
            ...(method.judges_pictures && { own: secondOf(follower(inputs.frozen)) }),
            progress: constant(1),
            // Where a loss divides by itself, the divisor is held fixed: no difference quotient would show its gradient.
          },
          { power: 0 },
        ).sum()
        const [gradient, ofFrozen] = grad(loss, [inputs.theta, inputs.frozen])
        return { loss, gradient: gradient!, ofFrozen: ofFrozen! }
      },
      { theta: [theta], frozen: [frozen] },
    )
  it.each([-0.5, -0.1, 0.1, 0.5])('has a gradient that points back to the exact student: θ = %d', (theta) => {
    expect(Math.sign(at(theta).gradient![0]!)).toBe(Math.sign(theta))
  })

  it('holds the target fixed', () => {
    expect(at(0.2).ofFrozen).toEqual([0])
  })

  // In others the picture itself is part of the target; see dmd.test.ts.
  if (!method.judges_pictures)
    it('has the gradient of the student', () => {
      const h = 1e-6
      const difference = (at(0.2 + h, 0.2).loss![0]! - at(0.2 - h, 0.2).loss![0]!) / (2 * h)
      expect(Math.abs(at(0.2).gradient![0]! - difference)).toBeLessThan(1e-6 * (1 + Math.abs(difference)))
    })

  it('draws levels within the range, none above t, and no jump that ends above r', () => {
    for (const progress of [0, 0.3, 0.7, 0.999]) {
      const random = generator(7)
      for (let i = 0; i < 2000; i++) {
        const {
          t,
          r,
          s = sigma_min,
          start,
        } = method.times(random, { range: RANGE, progress }, method.options)
        expect(start !== undefined).toBe(method.judges_pictures === true)
        expect(t).toBeLessThanOrEqual(sigma_max * (1 + 1e-12))
        expect(r).toBeLessThanOrEqual(t)
        expect(s).toBeLessThanOrEqual(r * (1 + 1e-12))
        expect(s).toBeGreaterThanOrEqual(sigma_min * (1 - 1e-12))
      }
    }
  })

  it('begins at sigma_max for the share `top`, and leaves the other pictures where they were', () => {
    expect(method.options).toHaveProperty('top')
    const draw = (top: number, progress: number) =>
      Array.from({ length: 1000 }, (_, i) =>
        method.times(generator(i), { range: RANGE, progress }, { ...method.options, top }),
      )
    for (const progress of [0, 0.5]) {
      const [none, some, all] = [draw(0, progress), draw(0.25, progress), draw(1, progress)]
      // A method that judges the student's own pictures has them begin elsewhere than at t.
      const begin = ({ t, start = t }: Times) => start
      const moved = some.filter((times, i) => begin(times) !== begin(none[i]!))
      for (const [i, times] of some.entries()) expect([none[i], all[i]]).toContainEqual(times)
      for (const times of moved) expect(begin(times)).toBe(sigma_max)
      for (const times of all) expect(begin(times)).toBe(sigma_max)
      // Some were there by themselves: most on grids of few levels.
      const others = none.filter((times) => begin(times) !== sigma_max).length
      expect(Math.abs(moved.length - 0.25 * others)).toBeLessThanOrEqual(4 * Math.sqrt(others * 0.25 * 0.75))
    }
  })

  it('draws levels within the range whatever its options are, within their bounds', () => {
    const numbers = Object.entries(method.options).filter(([, value]) => typeof value === 'number')
    const within = Object.fromEntries(
      numbers.map(([name]) => [
        name,
        fc
          .oneof(
            fc.integer({ min: -100, max: 100 }),
            fc.integer({ min: 1, max: 1e6 }),
            fc.double({ min: -20, max: 20 }),
          )
          .filter((value) => method.rules[name]!.allows(value)),
      ]),
    )
    fc.assert(
      fc.property(fc.record(within), fc.double({ min: 0, max: 0.999, noNaN: true }), (changed, progress) => {
        const random = generator(7)
        for (let i = 0; i < 20; i++) {
          const {
            t,
            r,
            s = sigma_min,
            start = t,
          } = method.times(random, { range: RANGE, progress }, { ...method.options, ...changed })
          for (const level of [t, start]) expect(level).toBeLessThanOrEqual(sigma_max * (1 + 1e-12))
          expect(start).toBeGreaterThanOrEqual(sigma_min)
          for (const level of [r, s]) {
            expect(level).toBeGreaterThanOrEqual(sigma_min * (1 - 1e-12))
            expect(level).toBeLessThanOrEqual(t)
          }
          // These divide by what lies between, in float32.
          if (method.name === 'ect' || method.name === 'ict')
            expect(Math.fround(t) - Math.fround(r)).toBeGreaterThan(0)
          if (method.name === 'soflow') expect(Math.fround(t) - Math.fround(s)).toBeGreaterThan(0)
        }
      }),
    )
  })

  const { target_ema } = method
  if (target_ema)
    it('keeps a share of the target over a step', () => {
      for (const progress of [0, 0.5, 0.999]) {
        const share = target_ema(progress, method.options)
        expect(share).toBeGreaterThanOrEqual(0)
        expect(share).toBeLessThan(1)
      }
    })
})
