import { Random } from '@onestroke/core/random'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Augment, drawChange, readPicture } from './read-picture.js'

const [count, channels, side] = [3, 2, 4]
const size = channels * side * side
const pixels = Uint8Array.from({ length: count * size }, (_, i) => (i * 37) % 256)
const dataset = { pixels, count, channels, height: side, width: side }

const floats = (index: number, augment: Augment = {}, seed = 0): Float32Array => {
  const out = new Float32Array(size)
  readPicture(dataset, index, out, 0, drawChange(augment, new Random({ seed, stream: 5, step: 0, index: 0 })))
  return out
}
const float = (byte: number) => Math.fround(byte / 127.5 - 1)

/** Picture 1 moved by hand: every pixel comes from the one that lies under it, or from the nearest on the border. */
const moved = (right: number, down: number, mirrored: boolean): number[] => {
  const clamp = (at: number) => Math.min(Math.max(at, 0), side - 1)
  return Array.from({ length: size }, (_, i) => {
    const [c, y, x] = [Math.floor(i / side ** 2), Math.floor(i / side) % side, i % side]
    const from = clamp(x - right)
    return float(pixels[size + (c * side + clamp(y - down)) * side + (mirrored ? side - 1 - from : from)]!)
  })
}

describe('readPicture', () => {
  it('maps 0 to -1 and 255 to 1', () => {
    const out = new Float32Array(2)
    readPicture({ pixels: Uint8Array.of(0, 255), count: 1, channels: 1, height: 1, width: 2 }, 0, out, 0)
    expect([...out]).toEqual([-1, 1])
  })

  it('writes one picture, where it is told to', () => {
    const out = new Float32Array(size + 2).fill(9)
    readPicture(dataset, 1, out, 1)
    expect([...out]).toEqual([9, ...Array.from(pixels.subarray(size, 2 * size), float), 9])
  })

  it('does nothing but mirror and shift, and comes to every mirroring and shift', () => {
    const expected = new Map<string, string>()
    for (const mirrored of [false, true])
      for (let right = -1; right <= 1; right++)
        for (let down = -1; down <= 1; down++)
          expected.set(moved(right, down, mirrored).join(), `${mirrored} ${right} ${down}`)
    const found = Array.from({ length: 300 }, (_, seed) =>
      floats(1, { flip: true, translate: 1 }, seed).join(),
    )
    expect(found.every((picture) => expected.has(picture))).toBe(true)
    expect(new Set(found).size).toBe(expected.size)
  })

  it('mirrors half of the pictures, and then only mirrors', () => {
    const as = Array.from({ length: 200 }, (_, seed) => floats(1, { flip: true }, seed).join())
    const upright = as.filter((picture) => picture === moved(0, 0, false).join()).length
    const mirrored = as.filter((picture) => picture === moved(0, 0, true).join()).length
    expect(upright + mirrored).toBe(200)
    expect(Math.abs(upright - 100)).toBeLessThan(30)
  })

  it('is a pure function of its random key, also for shifts larger than the picture', () => {
    fc.assert(
      fc.property(fc.nat(count - 1), fc.boolean(), fc.nat(9), fc.nat(), (index, flip, translate, seed) => {
        const augment = { flip, translate }
        const picture = floats(index, augment, seed)
        expect(floats(index, augment, seed)).toEqual(picture)
        const own = new Set(floats(index))
        expect(picture.every((value) => own.has(value))).toBe(true)
      }),
    )
  })

  it('refuses pictures that are not there, and chance without a source', () => {
    const out = new Float32Array(size)
    expect(() => readPicture(dataset, 3, out, 0)).toThrow('picture 3 of 3')
    expect(() => readPicture(dataset, Number.NaN, out, 0)).toThrow(RangeError)
  })
})
