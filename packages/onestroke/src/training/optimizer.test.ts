import type { OptimizerOptions } from '@onestroke/core/nn'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Optimizer } from './optimizer.js'
import { OPTIMIZER_DEFAULTS } from './presets.js'

interface State {
  p: number[]
  m: number[]
  v: number[]
  ema: number[]
}

/** The papers' update rules, word for word, in float64. */
const step = (
  { p, m, v, ema }: State,
  gradient: readonly number[],
  { optimizer, beta1, beta2, eps, weight_decay, clip }: OptimizerOptions,
  t: number,
  rate: number,
  decay: number,
): void => {
  const norm = Math.hypot(...gradient)
  const scale = clip > 0 && norm > clip ? clip / norm : 1
  const rho_inf = 2 / (1 - beta2) - 1
  const rho = rho_inf - (2 * t * beta2 ** t) / (1 - beta2 ** t)
  const r = Math.sqrt(((rho - 4) * (rho - 2) * rho_inf) / ((rho_inf - 4) * (rho_inf - 2) * rho))
  for (let i = 0; i < p.length; i++) {
    let g = gradient[i]! * scale
    if (optimizer === 'adamw') p[i]! *= 1 - rate * weight_decay
    else g += weight_decay * p[i]!
    m[i] = beta1 * m[i]! + (1 - beta1) * g
    v[i] = beta2 * v[i]! + (1 - beta2) * g * g
    const mean = m[i]! / (1 - beta1 ** t)
    // Where RAdam's eps lies follows PyTorch: before the correction of the bias.
    if (optimizer !== 'radam') p[i]! -= (rate * mean) / (Math.sqrt(v[i]! / (1 - beta2 ** t)) + eps)
    else if (rho > 5) p[i]! -= (rate * mean * r * Math.sqrt(1 - beta2 ** t)) / (Math.sqrt(v[i]!) + eps)
    else p[i]! -= rate * mean
    ema[i]! += (1 - decay) * (p[i]! - ema[i]!)
  }
}

/** Either nothing or not small: Adam makes a full step of what is hardly anything, rounding errors among it. */
const numbers = fc.integer({ min: -192, max: 192 }).map((n) => n / 64)
const options: fc.Arbitrary<OptimizerOptions> = fc
  .record({
    optimizer: fc.constantFrom('adam', 'adamw', 'radam'),
    beta1: fc.constantFrom(0, 0.9),
    beta2: fc.constantFrom(0.95, 0.99, 0.999),
    eps: fc.constantFrom(1e-8, 1e-3),
    weight_decay: fc.constantFrom(0, 0.1),
    clip: fc.constantFrom(0, 0.5, 1, 100),
  })
  // A penalty that cancels the gradient leaves nothing but rounding errors: here they stay below eps.
  .map((one) => ({ ...one, eps: one.weight_decay > 0 && one.optimizer !== 'adamw' ? 1e-3 : one.eps }))

describe('the optimiser', () => {
  it('does what the papers say, whatever its length', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .integer({ min: 1, max: 40 })
          .chain((n) =>
            fc.tuple(
              fc.array(numbers, { minLength: n, maxLength: n }),
              fc.array(fc.array(numbers, { minLength: n, maxLength: n }), { minLength: 1, maxLength: 9 }),
            ),
          ),
        options,
        fc.double({ min: 1e-4, max: 0.01, noNaN: true }),
        fc.constantFrom(0, 0.5, 0.999),
        async (start, options_, rate, decay) => {
          const [first, gradients] = start
          const expected: State = {
            p: [...first],
            m: first.map(() => 0),
            v: first.map(() => 0),
            ema: [...first],
          }
          const optimizer = new Optimizer(first.length, options_)
          optimizer.parameters.set(first)
          optimizer.ema.set(first)
          for (const [i, gradient] of gradients.entries()) {
            optimizer.gradient.set(gradient)
            const norm = optimizer.gradientNorm()
            expect(norm).toBeCloseTo(Math.hypot(...gradient), 6)
            await optimizer.step(i + 1, rate, decay, norm)
            step(expected, gradient, options_, i + 1, rate, decay)
          }
          const close = (a: Float32Array, b: readonly number[], tolerance: number) => {
            for (const [i, value] of b.entries()) expect(Math.abs(a[i]! - value)).toBeLessThan(tolerance)
          }
          close(optimizer.exp_avg, expected.m, 1e-5)
          close(optimizer.exp_avg_sq, expected.v, 1e-5)
          close(optimizer.parameters, expected.p, 1e-3 * rate * gradients.length + 1e-5)
          close(optimizer.ema, expected.ema, 1e-3 * rate * gradients.length + 1e-5)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('clips the norm of the whole gradient, not more', async () => {
    const clipped = new Optimizer(2, { ...OPTIMIZER_DEFAULTS, clip: 1, beta1: 0 })
    clipped.gradient.set([3, 4])
    await clipped.step(1, 0, 0, clipped.gradientNorm())
    expect(clipped.exp_avg[0]).toBeCloseTo(0.6, 6)
    expect(clipped.exp_avg[1]).toBeCloseTo(0.8, 6)
    const short = new Optimizer(2, { ...OPTIMIZER_DEFAULTS, clip: 5, beta1: 0 })
    short.gradient.set([3, 4])
    await short.step(1, 0, 0, short.gradientNorm())
    expect([...short.exp_avg]).toEqual([3, 4])
  })

  it('averages the weights: nothing stays at 0, all at 1', async () => {
    for (const [decay, expected] of [
      [0, 2],
      [0.75, 5],
      [1, 6],
    ] as const) {
      const optimizer = new Optimizer(1, OPTIMIZER_DEFAULTS)
      optimizer.parameters[0] = 2
      optimizer.ema[0] = 6
      await optimizer.step(1, 0, decay, 0)
      expect(optimizer.ema[0]).toBe(expected)
    }
  })

  it.each([1, 15, 16, 17, 33])('keeps the padding behind %i numbers at zero', async (size) => {
    const optimizer = new Optimizer(size, { ...OPTIMIZER_DEFAULTS, weight_decay: 0.1 })
    optimizer.parameters.fill(1)
    for (let i = 1; i <= 3; i++) {
      optimizer.gradient.fill(i)
      await optimizer.step(i, 0.1, 0.9, optimizer.gradientNorm())
    }
    const padded = Math.ceil(size / 16) * 16
    const arrays = ['parameters', 'gradient', 'exp_avg', 'exp_avg_sq', 'ema'] as const
    for (const [i, name] of arrays.entries()) {
      const { buffer, byteOffset, length } = optimizer[name]
      expect(byteOffset % 16).toBe(0)
      expect(byteOffset - optimizer.parameters.byteOffset).toBe(i * padded * 4)
      const tail = new Float32Array(buffer, byteOffset + 4 * length, padded - size)
      expect(tail.every((value) => value === 0)).toBe(true)
    }
    expect(optimizer.gradientNorm()).toBeCloseTo(3 * Math.sqrt(size), 5)
  })

  it('sums squares in float64: a norm neither overflows nor loses the small', () => {
    const optimizer = new Optimizer(3, OPTIMIZER_DEFAULTS)
    optimizer.gradient.set([3e38, 0, 0])
    expect(optimizer.gradientNorm()).toBeCloseTo(Math.fround(3e38), -32)
    optimizer.gradient.set([1, 1e-6, 0])
    expect(optimizer.gradientNorm() ** 2 - 1).toBeCloseTo(1e-12, 15)
  })

  it.each(['parameters', 'exp_avg', 'exp_avg_sq', 'ema'] as const)(
    'sees what is not finite in %s',
    (name) => {
      for (const size of [1, 4, 7, 16])
        for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
          const optimizer = new Optimizer(size, OPTIMIZER_DEFAULTS)
          expect(optimizer.isFinite()).toBe(true)
          optimizer[name][size - 1] = bad
          expect(optimizer.isFinite()).toBe(false)
        }
    },
  )
})
