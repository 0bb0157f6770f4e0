import { describe, expect, it } from 'vitest'
import { betterBeyondNoise, pairedLogRatio } from './paired.js'

const e = Math.exp

describe('the paired log-ratio', () => {
  it('is the mean of the differences of logarithms, with the standard error of a sample', () => {
    // log-ratios −1, −2, −3, −6: mean −3, variance (4 + 1 + 0 + 9) / 3.
    const { mean, error } = pairedLogRatio([e(4), e(1), e(0), e(-6)], [e(5), e(3), e(3), e(0)])
    expect(mean).toBeCloseTo(-3, 12)
    expect(error).toBeCloseTo(Math.sqrt(14 / 3 / 4), 12)
  })

  it('does not see what a noise does to both', () => {
    const [a, b] = [
      [2, 3, 5],
      [3, 5, 4],
    ]
    const plain = pairedLogRatio(a, b)
    const hard = [1, 100, 0.01]
    const scaled = pairedLogRatio(
      a.map((value, i) => value * hard[i]!),
      b.map((value, i) => value * hard[i]!),
    )
    expect(scaled.mean).toBeCloseTo(plain.mean, 12)
    expect(scaled.error).toBeCloseTo(plain.error!, 12)
  })

  it('turns around with its sides', () => {
    const [ab, ba] = [pairedLogRatio([2, 3], [5, 4]), pairedLogRatio([5, 4], [2, 3])]
    expect(ab.mean).toBeCloseTo(-ba.mean, 12)
    expect(ab.error).toBeCloseTo(ba.error!, 12)
  })

  it('of one pair has no error, and of unequal lists does not exist', () => {
    expect(pairedLogRatio([1], [e(1)])).toEqual({ mean: -1, error: null })
    expect(() => pairedLogRatio([1, 2], [1])).toThrow('2 scores cannot be paired with 1')
  })
})

describe('what is better beyond the noise', () => {
  it('is lower by more than two standard errors', () => {
    // Log-ratios d ± w: the standard error of two is w.
    const two = (d: number, w: number) => betterBeyondNoise([e(d - w), e(d + w)], [1, 1])
    expect(two(-0.21, 0.1)).toBe(true)
    expect(two(-0.19, 0.1)).toBe(false)
    expect(two(0.21, 0.1)).toBe(false)
    // Log-ratios d − w, d, d, d + w: the standard error is w / √6.
    const four = (d: number, w: number) => betterBeyondNoise([e(d - w), e(d), e(d), e(d + w)], [1, 1, 1, 1])
    expect(four(-2.02 / Math.sqrt(6), 1)).toBe(true)
    expect(four(-1.98 / Math.sqrt(6), 1)).toBe(false)
  })

  it('is never told by one seed, nor by none, nor by scores that are not numbers', () => {
    expect(betterBeyondNoise([0.001], [1000])).toBe(false)
    expect(betterBeyondNoise([], [])).toBe(false)
    expect(betterBeyondNoise([Number.NaN, 1], [2, 2])).toBe(false)
  })

  it('is neither of two equals', () => {
    expect(betterBeyondNoise([3, 4, 5], [3, 4, 5])).toBe(false)
  })
})
