import { describe, expect, it } from 'vitest'
import { karrasPosition, karrasSigma } from '../diffusion/index.js'
import { compute, RANGE } from '../diffusion/testing.js'
import type { Tensor } from '../tensor/index.js'
import { evenly, stepsBetween, stepsDown } from './trajectory.js'

const at = (u: number) => karrasSigma(u, RANGE)
/** Positions on the Karras schedule of the levels that `levels` makes of t and r. */
const positions = (t: number, r: number, levels: (t: Tensor, r: Tensor) => Tensor[]) => {
  const found = compute({ t: [[1], [t]], r: [[1], [r]] }, ({ t, r }) =>
    Object.fromEntries(levels(t!, r!).map((sigma, i) => [`${i}`, sigma])),
  )
  return Object.keys(found).map((_, i) => karrasPosition(found[i]![0]!, RANGE))
}
const expectNear = (found: number[], expected: number[]) => {
  expect(found).toHaveLength(expected.length)
  for (const [i, u] of expected.entries()) expect(found[i]).toBeCloseTo(u, 6)
}
const down = (u: number, steps: number) => positions(at(u), 1, (t) => stepsDown(t, steps, RANGE))
const between = (u: number, to: number, steps: number) =>
  positions(at(u), at(to), (t, r) => stepsBetween(t, r, steps))

describe('stepsDown', () => {
  it('are those of sampling from sigma_max', () => expectNear(down(0, 4), [0, 0.25, 0.5, 0.75, 1]))

  it('are as long from lower levels, and end early', () => {
    expectNear(down(0.125, 4), [0.125, 0.375, 0.625, 0.875, 1])
    expectNear(down(0.6, 4), [0.6, 0.85, 1, 1, 1])
  })
})

describe('stepsBetween', () => {
  it('are equally long', () => {
    expectNear(between(0.2, 0.6, 4), [0.2, 0.3, 0.4, 0.5, 0.6])
    expectNear(between(0, 1, 2), [0, 0.5, 1])
  })

  it('are the two ends for a single step', () => expectNear(between(0, 0.7, 1), [0, 0.7]))
})

it.each([0, 1.5, -1])('there is at least one step: %d', (steps) => {
  expect(() => down(0, steps)).toThrow('substeps must be a positive')
  expect(() => between(0, 1, steps)).toThrow('substeps must be a positive')
})

it('items are taken evenly from the first on, and all of them if there are no more', () => {
  expect(evenly([0, 1, 2, 3, 4, 5], 3)).toEqual([0, 2, 4])
  expect(evenly([0, 1], 4)).toEqual([0, 1])
})
