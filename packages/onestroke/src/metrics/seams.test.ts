import { describe, expect, it } from 'vitest'
import { seams, worstSeam } from './seams.js'
import { normalFeatures } from './testing.js'

const shape = { channels: 1, height: 16, width: 16 }
const picture = (of: (x: number, y: number) => number): Float32Array =>
  Float32Array.from({ length: 256 }, (_, i) => of(i % 16, i >> 4))

describe('seams', () => {
  it('are told for every power of two up to half the side', () => {
    expect(Object.keys(seams(picture((x) => x), shape))).toEqual(['2', '4', '8']) // biome-ignore format: short
    const wide = { channels: 3, height: 8, width: 32 }
    expect(Object.keys(seams(new Float32Array(768), wide))).toEqual(['2', '4'])
    expect(seams(new Float32Array(9), { channels: 1, height: 3, width: 3 })).toEqual({})
  })

  it('are 1 where there is no grid', () => {
    expect(seams(picture((x, y) => 3 * x - 2 * y), shape)['4']).toBeCloseTo(1, 1) // biome-ignore format: short
    for (const ratio of Object.values(seams(normalFeatures(500, 256, 0).data, shape)))
      expect(ratio).toBeCloseTo(1, 1)
  })

  it.each([2, 4, 8])('of squares of %i show at that side', (side) => {
    // Steps of 3 at borders, ramps of 1 inside: the ratio is 9, exactly, in both directions alike.
    const stair = (at: number) => at + 2 * Math.floor(at / side)
    const found = seams(picture((x, y) => stair(x) + stair(y)), shape) // biome-ignore format: short
    expect(found[side]).toBeCloseTo(9, 10)
    const others = Object.entries(found).filter(([other]) => Number(other) !== side)
    for (const [, ratio] of others) expect(ratio).toBeLessThan(9)
  })

  it('count borders between columns 1 and 2, 3 and 4, … for squares of 2', () => {
    const row = (of: number[]) => ({ '2': seams(Float32Array.from([...of, ...of, ...of, ...of]), { channels: 1, height: 4, width: 4 })['2'] }) // biome-ignore format: short
    // Columns jump by 1, 2, 1; rows not at all. Border: 4 of 4 + 4 pairs; inside: 1 + 1 for 8 + 8 pairs.
    expect(row([0, 1, 3, 4])['2']).toBeCloseTo((4 * 4) / 8 / ((4 * 2) / 16), 12)
  })

  it('refuses parts of pictures', () => {
    expect(() => seams(new Float32Array(100), shape)).toThrow(RangeError)
  })
})

describe('the worst seam', () => {
  it('is the greatest ratio to the real pictures', () => {
    expect(worstSeam({ 2: 1.2, 4: 0.9, 8: 2 }, { 2: 0.8, 4: 0.9, 8: 2.5 })).toBeCloseTo(1.5, 12)
  })

  it('passes over what cannot be compared', () => {
    expect(worstSeam({ 2: Number.NaN, 4: 2 }, { 2: 1, 4: 1 })).toBe(2)
    expect(worstSeam({ 2: 1 }, { 2: 0 })).toBeNull()
    expect(worstSeam({}, {})).toBeNull()
  })
})
