import { Random } from '@onestroke/core/random'
import { expect, it } from 'vitest'
import { LeastSquares } from './least-squares.js'

it('finds the linear map that was there', () => {
  const random = new Random({ seed: 1, stream: 1, step: 0, index: 0 })
  const fit = new LeastSquares(2, 2)
  for (let i = 0; i < 50; i++) {
    const [a, b] = [random.uniform(), random.uniform()]
    fit.add([a, b], [2 * a - b + 3, 0.5 * b])
  }
  const expected = [
    [2, -1, 3],
    [0, 0.5, 0],
  ]
  for (const [c, row] of fit.solution().entries())
    for (const [i, value] of row.entries()) expect(value).toBeCloseTo(expected[c]![i]!, 6)
})

it('gives the mean where points say nothing', () => {
  const fit = new LeastSquares(1, 1)
  for (const value of [1, 2, 6]) fit.add([0], [value])
  const [[weight, added]] = fit.solution() as [[number, number]]
  expect(weight).toBeCloseTo(0, 6)
  expect(added).toBeCloseTo(3, 6)
})
