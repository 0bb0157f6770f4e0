import { UserError } from '@onestroke/core/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rowsOf } from './features.js'
import { nearestReal, promptRetrieval } from './retrieval.js'
import { anyTwo, cases, featuresBy, featuresOf, normalFeatures, refused } from './testing.js'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('promptRetrieval', () => {
  it.each(cases())('$name: agrees with numpy', ({ real, generated, expected, retrieval }) => {
    const { top1, top5 } = promptRetrieval(featuresBy(real), featuresBy(generated), expected)
    expect(top1).toBeCloseTo(retrieval.top1, 12)
    expect(top5).toBeCloseTo(retrieval.top5, 12)
  })

  it('is 1 for the real pictures themselves, in whatever order', () => {
    const real = normalFeatures(30, 4, 0)
    const order = upTo(30).map((i) => (i * 7) % 30)
    expect(promptRetrieval(real, rowsOf(real, order), order)).toEqual({ top1: 1, top5: 1 })
    expect(promptRetrieval(real, rowsOf(real, order), Int32Array.from(order))).toEqual({ top1: 1, top5: 1 })
  })

  it('finds the fifth nearest among the five nearest, and the sixth not', () => {
    const real = featuresOf(upTo(9).map((i) => [i]))
    const generated = featuresOf([[-1]])
    const scores = upTo(9).map((i) => promptRetrieval(real, generated, [i]))
    expect(scores.map(({ top1 }) => top1)).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0])
    expect(scores.map(({ top5 }) => top5)).toEqual([1, 1, 1, 1, 1, 0, 0, 0, 0])
  })

  it('scores what guessing does where nothing is told apart', () => {
    const real = featuresOf(upTo(20).map(() => [1, 2]))
    const { top1, top5 } = promptRetrieval(real, featuresOf([[3, 4], [1, 2]]), [0, 19]) // biome-ignore format: rows
    expect(top1).toBeCloseTo(1 / 20, 12)
    expect(top5).toBeCloseTo(5 / 20, 12)
  })

  it('gives every picture its share: over all that a prompt could name, exactly k are among the k nearest', () => {
    fc.assert(
      fc.property(anyTwo(), ([real, generated]) => {
        const scores = upTo(real.count).map((i) =>
          promptRetrieval(real, generated, upTo(generated.count).fill(i)),
        )
        const total = (key: 'top1' | 'top5') => scores.reduce((sum, score) => sum + score[key], 0)
        expect(total('top1')).toBeCloseTo(1, 9)
        expect(total('top5')).toBeCloseTo(Math.min(5, real.count), 9)
      }),
    )
  })

  it('takes one picture', () => {
    expect(promptRetrieval(featuresOf([[1], [5]]), featuresOf([[4]]), [1])).toEqual({ top1: 1, top5: 1 })
  })

  it.each(refused())('refuses $what', ({ a, b, says }) => {
    expect(() => promptRetrieval(a, b, upTo(b.count))).toThrow(new UserError(says))
  })

  it('refuses indices that name no picture', () => {
    const a = normalFeatures(3, 2, 0)
    expect(() => promptRetrieval(a, a, [0, 1])).toThrow('expected: 2 indices for 3 generated pictures')
    expect(() => promptRetrieval(a, a, [0, 1, 3])).toThrow('expected[2]: 3 is not one of 3 real pictures')
    expect(() => promptRetrieval(a, a, [-1, 1, 2])).toThrow(RangeError)
  })
})

describe('nearestReal', () => {
  it('names the nearest real picture of each, the first of equals', () => {
    const real = featuresOf([[0], [4], [4], [10]])
    expect([...nearestReal(real, featuresOf([[1], [5], [8], [-3]]))]).toEqual([0, 1, 3, 0])
  })

  it.each(refused())('refuses $what', ({ a, b, says }) => {
    expect(() => nearestReal(a, b)).toThrow(new UserError(says))
  })
})
