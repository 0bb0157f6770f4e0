import { describe, expect, it } from 'vitest'
import { rowsOf } from './features.js'
import { drawAny, drawSameName } from './floor.js'
import { frechetDistance } from './frechet.js'
import { kernelDistance } from './kernel.js'
import { normalFeatures } from './testing.js'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('drawAny', () => {
  it('draws with replacement, every picture equally often in the long run', () => {
    const drawn = drawAny(5, 50_000, { seed: 0 })
    const counts = upTo(5).map((i) => drawn.filter((row) => row === i).length)
    expect(counts.reduce((a, b) => a + b)).toBe(50_000)
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
  })

  it('is a pure function of seed and step', () => {
    const draw = (seed: number, step?: number) => [...drawAny(1000, 10, { seed, step })]
    expect(draw(3)).toEqual(draw(3, 0))
    expect(draw(3)).not.toEqual(draw(4))
    expect(draw(3)).not.toEqual(draw(3, 1))
  })
})

describe('drawSameName', () => {
  it('keeps to the name, and chooses within it', () => {
    const groups = [0, 1, 0, 2, 1, 0]
    const expected = upTo(600).map((j) => j % 6)
    const drawn = drawSameName(expected, groups, { seed: 1 })
    for (const [j, row] of drawn.entries()) expect(groups[row]).toBe(groups[expected[j]!])
    const ofFirst = [...drawn].filter((_, j) => j % 6 === 0)
    expect(new Set(ofFirst)).toEqual(new Set([0, 2, 5]))
    expect([...drawn]).not.toEqual([...drawSameName(expected, groups, { seed: 2 })])
  })
})

describe('drawn training pictures', () => {
  const real = normalFeatures(400, 4, 0)

  it('score 0 where they are a copy, and more where they are drawn at random', () => {
    expect(frechetDistance(real, rowsOf(real, upTo(400)))).toBeLessThan(1e-9)
    expect(frechetDistance(real, rowsOf(real, drawAny(400, 400, { seed: 0 })))).toBeGreaterThan(1e-3)
  })

  it('have a kernel distance below 0, unlike others of their distribution', () => {
    const mean = (of: (i: number) => number) => upTo(20).reduce((sum, i) => sum + of(i) / 20, 0)
    // Every picture of the sample meets itself among the real ones: −(E k(x, x) − E k(x, y)) / n is expected.
    const replayed = mean((seed) => kernelDistance(real, rowsOf(real, drawAny(400, 400, { seed }))))
    const others = mean((i) => kernelDistance(real, normalFeatures(400, 4, 1 + i)))
    expect(replayed).toBeLessThan(others - 0.01)
  })
})
