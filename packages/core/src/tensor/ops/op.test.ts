import { describe, expect, it } from 'vitest'
import { dims, input } from '../index.js'

describe('dims', () => {
  it('gives the sizes of a tensor of the rank', () => {
    expect(dims(input('x', [2, 3, 4, 5]), 4, 'conv')).toEqual([2, 3, 4, 5])
    expect(dims(input('x', [7]), 1, 'bias')).toEqual([7])
  })

  it('names the operation and the shape of another rank', () => {
    expect(() => dims(input('x', [2, 3, 4]), 4, 'conv')).toThrow(
      new RangeError('conv: expected a tensor of rank 4, not [2, 3, 4] of rank 3'),
    )
  })
})
