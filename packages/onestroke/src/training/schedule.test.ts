import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emaDecay, learningRate } from './schedule.js'

const schedule = { learning_rate: 2, warmup: 0.1, decay: 0.4, ema_half_life: 1000 }

describe('the learning rate', () => {
  it('rises in a line, stays, and falls along half a cosine', () => {
    const at = (progress: number) => learningRate(progress, schedule)
    expect(at(0)).toBe(0)
    expect(at(0.05)).toBeCloseTo(1)
    expect(at(0.1)).toBe(2)
    expect(at(0.6)).toBe(2)
    expect(at(0.7)).toBeCloseTo(2 * 0.5 * (1 + Math.SQRT1_2))
    expect(at(0.8)).toBeCloseTo(1)
    expect(at(1)).toBeCloseTo(0)
  })

  it('needs neither warmup nor decay', () => {
    for (const progress of [0, 0.5, 1])
      expect(learningRate(progress, { ...schedule, warmup: 0, decay: 0 })).toBe(2)
  })

  it('lies between 0 and its top, without jumps', () => {
    const share = fc.double({ min: 0, max: 0.5, noNaN: true })
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), share, share, (progress, warmup, decay) => {
        const at = (x: number) => learningRate(x, { ...schedule, warmup, decay })
        expect(at(progress)).toBeGreaterThanOrEqual(0)
        expect(at(progress)).toBeLessThanOrEqual(2)
        if (warmup > 0.01 && decay > 0.01)
          expect(Math.abs(at(progress) - at(progress + 1e-7))).toBeLessThan(1e-4)
      }),
    )
  })
})

describe('the moving average', () => {
  it('forgets half in its half-life, however it is cut into batches', () => {
    for (const batch of [1, 10, 500]) {
      let left = 1
      for (let i = 0; i < 1000; i += batch) left *= emaDecay(1e6, batch, schedule)
      expect(left).toBeCloseTo(0.5, 12)
    }
  })

  it('forgets the start: at first its half-life is a twentieth of what was seen', () => {
    expect(emaDecay(200, 10, schedule)).toBeCloseTo(0.5)
    expect(emaDecay(20_000, 1000, schedule)).toBeCloseTo(0.5)
    expect(emaDecay(0, 64, schedule)).toBe(0)
    expect(emaDecay(64, 64, { ...schedule, ema_half_life: 0 })).toBe(0)
  })
})
