import { square } from '@onestroke/core/picture'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blank, cover, filled, masked, maskInverted, type Point, painted } from './brush.js'
import { fitted } from './fit.js'

const SIDE = 12
const share = fc.double({ min: 0, max: 1, noNaN: true })
const point: fc.Arbitrary<Point> = fc.record({ x: share, y: share })
const size = fc.double({ min: 0.001, max: 0.6, noNaN: true })

const strokeOf = (from: Point, to: Point, width: number) => {
  const covered = new Float32Array(SIDE ** 2)
  cover(covered, square(SIDE), from, to, width)
  return covered
}
/** Noise, so that each change shows. */
const drawing = {
  ...blank(square(SIDE)),
  pixels: Uint8ClampedArray.from({ length: 4 * SIDE ** 2 }, (_, i) =>
    i % 4 === 3 ? 255 : (i * i * 37) % 256,
  ),
}

describe('a stroke', () => {
  it('masks something wherever it is, and an eraser on the same way takes all of it', () => {
    fc.assert(
      fc.property(point, point, size, (from, to, width) => {
        const covered = strokeOf(from, to, width)
        const brushed = masked(drawing, covered, 1)
        expect(brushed.mask).toContain(1)
        expect(masked(brushed, covered, 0).mask).toEqual(drawing.mask)
        expect(brushed.pixels).toBe(drawing.pixels)
      }),
    )
  })

  it('colours what it covers, and leaves every other byte', () => {
    fc.assert(
      fc.property(point, point, size, (from, to, width) => {
        const covered = strokeOf(from, to, width)
        const { pixels } = painted(drawing, covered, [1, 2, 3])
        for (const [i, covers] of covered.entries()) {
          const found = [...pixels.subarray(4 * i, 4 * i + 4)]
          if (covers === 0) expect(found).toEqual([...drawing.pixels.subarray(4 * i, 4 * i + 4)])
          if (covers === 1) expect(found).toEqual([1, 2, 3, 255])
        }
      }),
    )
  })
})

describe('a fill', () => {
  it('ends where the colour does, and at the borders of the picture', () => {
    const wall = painted(
      blank(square(SIDE)),
      strokeOf({ x: 0, y: 0.5 }, { x: 1, y: 0.5 }, 3 / SIDE),
      [0, 0, 0],
    )
    const { pixels } = filled(wall, { x: 1, y: 0 }, [9, 9, 9])
    const rowOf = (y: number) => [...pixels.subarray(4 * SIDE * y, 4 * SIDE * (y + 1))]
    expect(rowOf(0)).toEqual(Array.from({ length: SIDE }, () => [9, 9, 9, 255]).flat())
    expect(rowOf(SIDE - 1)).toEqual(Array(4 * SIDE).fill(255))
  })
})

describe('a mask', () => {
  it('is what it was when it is inverted twice', () => {
    const brushed = masked(drawing, strokeOf({ x: 0.2, y: 0.2 }, { x: 0.9, y: 0.4 }, 0.2), 1)
    expect(maskInverted(maskInverted(brushed)).mask).toEqual(brushed.mask)
  })
})

describe('for a grey model', () => {
  it('a drawing is grey, and stays what it is after the first time', () => {
    const grey = fitted(drawing, { channels: 1, height: SIDE, width: SIDE })
    for (let i = 0; i < SIDE ** 2; i++) expect(new Set(grey.pixels.subarray(4 * i, 4 * i + 3)).size).toBe(1)
    expect(fitted(grey, { channels: 1, height: SIDE, width: SIDE }).pixels).toEqual(grey.pixels)
  })
})

describe('on paper that is wider than high', () => {
  const wide = { height: 8, width: 16 }

  it('a stroke is as thick across as it is along, and a fill ends at the borders', () => {
    const covered = new Float32Array(8 * 16)
    cover(covered, wide, { x: 0.5, y: 0.5 }, { x: 0.5, y: 0.5 }, 0.25)
    // A dot of 4 pixels around row 4, column 8.
    const at = (y: number, x: number) => covered[y * 16 + x]
    for (const [y, x] of [
      [3, 7],
      [4, 8],
      [2, 8],
      [4, 6],
      [5, 8],
      [4, 9],
    ] as const)
      expect(at(y, x)).toBeGreaterThan(0.5)
    for (const [y, x] of [
      [0, 8],
      [7, 8],
      [4, 4],
      [4, 11],
    ] as const)
      expect(at(y, x)).toBe(0)
    const line = new Float32Array(8 * 16)
    cover(line, wide, { x: 0.5, y: 0 }, { x: 0.5, y: 1 }, 2 / 16)
    const wall = painted(blank(wide), line, [0, 0, 0])
    const { pixels } = filled(wall, { x: 0.99, y: 0.99 }, [9, 9, 9])
    const rgb = (y: number, x: number) => [...pixels.subarray(4 * (y * 16 + x), 4 * (y * 16 + x) + 3)]
    expect(rgb(0, 15)).toEqual([9, 9, 9])
    expect(rgb(7, 0)).toEqual([255, 255, 255])
  })
})
