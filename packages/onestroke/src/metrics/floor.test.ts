import { UserError } from '@onestroke/core/formats'
import { describe, expect, it } from 'vitest'
import { floor } from './floor.js'
import { frechetDistance } from './frechet.js'
import { kernelDistance } from './kernel.js'
import { normalFeatures } from './testing.js'

describe('floor', () => {
  it('compares with the test set where there is one', () => {
    const [real, test] = [normalFeatures(60, 4, 0), normalFeatures(40, 4, 1)]
    expect(floor(real, { test })).toEqual({
      fid: frechetDistance(real, test),
      kid: kernelDistance(real, test),
    })
  })

  it('compares random halves else: a pure function of the seed', () => {
    const real = normalFeatures(61, 4, 0)
    expect(floor(real)).toEqual(floor(real, { seed: 0 }))
    expect(floor(real, { seed: 1 })).not.toEqual(floor(real))
  })

  it('lies where sets of one distribution do', () => {
    const { fid, kid } = floor(normalFeatures(2000, 4, 0))
    const between = frechetDistance(normalFeatures(1000, 4, 1), normalFeatures(1000, 4, 2))
    expect(fid).toBeGreaterThan(between / 4)
    expect(fid).toBeLessThan(between * 4)
    expect(Math.abs(kid)).toBeLessThan(0.02)
  })

  it('is not misled by the order of the pictures', () => {
    const real = normalFeatures(400, 2, 0)
    const sorted = { ...real, data: real.data.slice().sort() }
    expect(floor(sorted).fid).toBeLessThan(0.1)
  })

  it('needs four pictures to halve', () => {
    expect(() => floor(normalFeatures(3, 2, 0))).toThrow(
      new UserError('expected the features of at least 4 pictures to halve, found 3'),
    )
    expect(floor(normalFeatures(4, 2, 0)).fid).toBeGreaterThan(0)
  })
})
