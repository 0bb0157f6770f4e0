import { describe, expect, it } from 'vitest'
import { karrasPosition, karrasSigma } from '../diffusion/index.js'
import { generator, kolmogorov, RANGE } from '../diffusion/testing.js'
import { soflow } from './soflow.js'

const { sigma_min } = RANGE
const COUNT = 4000
const LIMIT = 1.95 / Math.sqrt(COUNT)
const position = (sigma: number): number => karrasPosition(sigma, RANGE)

const draw = (options: Partial<typeof soflow.options>, progress = 0) => {
  const random = generator(5)
  return Array.from({ length: COUNT }, () => {
    const { t, r, s } = soflow.times(random, { range: RANGE, progress }, { ...soflow.options, ...options })
    return { t, r, s: s! }
  })
}

describe('the noise levels of soflow', () => {
  it('begin evenly over the Karras schedule, and end evenly below, or at sigma_min', () => {
    const times = draw({ top: 0, bottom: 0.25 })
    expect(
      kolmogorov(
        times.map(({ t }) => position(t)),
        (u) => u,
      ),
    ).toBeLessThan(LIMIT)
    const inner = times.filter(({ s }) => s > sigma_min)
    expect(Math.abs(inner.length / COUNT - 0.75)).toBeLessThan(0.03)
    const depths = inner.map(({ t, s }) => (position(s) - position(t)) / (1 - position(t)))
    expect(kolmogorov(depths, (u) => Math.min(1, Math.max(0, u)))).toBeLessThan(
      1.95 / Math.sqrt(inner.length),
    )
  })

  it.each([0, 0.3, 0.99])(
    'have r one level below t, or at s where that is nearer: progress %d',
    (progress) => {
      const grids = [2, 5, 10]
      const levels = grids[Math.floor(progress * 3)]!
      const times = draw({ grids }, progress)
      for (const { t, r, s } of times) {
        const down = position(t) + 1 / levels
        const level = down < 1 - 1e-9 ? karrasSigma(down, RANGE) : sigma_min
        expect(Math.abs(r / Math.max(s, level) - 1)).toBeLessThan(1e-6)
      }
      // Jumps that are shorter than a level are among them, and such as are longer.
      expect(times.filter(({ r, s }) => r === s && s > sigma_min).length).toBeGreaterThan(COUNT / 100)
      expect(times.filter(({ r, s }) => r > s).length).toBeGreaterThan(COUNT / 100)
    },
  )

  it('are never so near to each other that float32 takes them for one', () => {
    for (const { t, s } of draw({ bottom: 0 }))
      expect(Math.fround(t) - Math.fround(s)).toBeGreaterThan(0.99e-3 * t)
  })
})
