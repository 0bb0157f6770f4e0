import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Shuffle } from './shuffle.js'

const counts = fc.integer({ min: 1, max: 60 })
const seeds = fc.nat(2 ** 31)

describe('Shuffle', () => {
  it('shows every picture once per epoch', () => {
    fc.assert(
      fc.property(counts, seeds, fc.nat(5), (count, seed, epoch) => {
        const shuffle = new Shuffle(count, seed)
        const seen = Array.from({ length: count }, (_, i) => shuffle.at(epoch * count + i))
        expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i))
      }),
    )
  })

  it('is a pure function of seed and n, whatever was asked before', () => {
    fc.assert(
      fc.property(counts, seeds, fc.array(fc.nat(1000), { minLength: 1 }), (count, seed, asked) => {
        const shuffle = new Shuffle(count, seed)
        for (const n of asked) expect(shuffle.at(n)).toBe(new Shuffle(count, seed).at(n))
      }),
    )
  })

  it('orders epochs and seeds differently', () => {
    const order = (seed: number, epoch: number) => {
      const shuffle = new Shuffle(100, seed)
      return Array.from({ length: 100 }, (_, i) => shuffle.at(epoch * 100 + i)).join()
    }
    expect(new Set([order(0, 0), order(0, 1), order(1, 0), order(1, 1)]).size).toBe(4)
  })

  it('has nothing to say about no pictures', () => {
    expect(() => new Shuffle(0, 1)).toThrow('count: expected an integer ≥ 1, found 0')
  })
})
