import { describe, expect, it } from 'vitest'
import { edgeEnergy } from './edge-energy.js'
import { normalFeatures } from './testing.js'

const shape = { channels: 2, height: 8, width: 8 }
const picture = (of: (x: number, y: number) => number): Float32Array =>
  Float32Array.from({ length: 128 }, (_, i) => of(i % 8, (i >> 3) % 8))

describe('edge energy', () => {
  it('is 0 for ramps, 4 for a parabola and 64 for a chessboard', () => {
    expect(edgeEnergy(picture((x, y) => 2 * x - 3 * y), shape)).toBe(0) // biome-ignore format: short
    expect(edgeEnergy(picture((x) => x * x), shape)).toBe(4) // biome-ignore format: short
    expect(edgeEnergy(picture((x, y) => ((x + y) % 2 ? 1 : -1)), shape)).toBe(64) // biome-ignore format: short
  })

  it('is 20 times the variance for independent pixels: 4² + 4', () => {
    const size = { channels: 1, height: 32, width: 32 }
    expect(edgeEnergy(normalFeatures(200, 1024, 0).data, size) / 20).toBeCloseTo(1, 1)
  })

  it('does not look across pictures or channels, and takes any shape', () => {
    const both = Float32Array.of(...Array(9).fill(0), ...Array(9).fill(1))
    expect(edgeEnergy(both, { channels: 1, height: 3, width: 3 })).toBe(0)
    expect(edgeEnergy(both, { channels: 2, height: 3, width: 3 })).toBe(0)
    const peak = new Float32Array(12)
    peak[5] = 1
    // Two of the 3×4 pixels have four neighbours: the peak (4) and the one beside it (−1).
    expect(edgeEnergy(peak, { channels: 1, height: 3, width: 4 })).toBe((16 + 1) / 2)
  })

  it('refuses parts of pictures', () => {
    expect(() => edgeEnergy(new Float32Array(100), shape)).toThrow(RangeError)
    expect(() => edgeEnergy(new Float32Array(0), shape)).toThrow(RangeError)
  })
})
