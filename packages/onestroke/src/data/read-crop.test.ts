import { Random, STREAM } from '@onestroke/core/random'
import { expect, it } from 'vitest'
import { cutPictures, readCrop } from './index.js'

const WIDE = { channels: 3, height: 6, width: 10 }
const SIZE = 3 * 6 * 10
/** Two pictures whose values say where they are. */
const dataset = {
  ...WIDE,
  count: 2,
  pixels: Uint8Array.from({ length: 2 * SIZE }, (_, i) => i % 256),
}
const random = (index: number) => new Random({ seed: 1, stream: STREAM.augment, step: 0, index })
const cropOf = (index: number, flip = false, side = 4, from = dataset) => {
  const out = new Float32Array(3 * side * side)
  const crop = { channels: 3, height: side, width: side }
  readCrop(from, 1, { crop, out, augment: { flip }, random: random(index) })
  return Array.from(out, (value) => Math.round((value + 1) * 127.5))
}

it('a crop is a part of the picture, anywhere in it, and the same for the same random numbers', () => {
  const places = new Set<number>()
  for (let index = 0; index < 200; index++) {
    const crop = cropOf(index)
    // Where its first value stands in the picture.
    const at = (crop[0]! - (SIZE % 256) + 256) % 256
    const [top, left] = [Math.floor(at / 10), at % 10]
    places.add(at)
    const expected = [0, 1, 2].flatMap((c) =>
      [0, 1, 2, 3].flatMap((y) =>
        [0, 1, 2, 3].map((x) => dataset.pixels[SIZE + (c * 6 + top + y) * 10 + left + x]!),
      ),
    )
    expect(crop).toEqual(expected)
    expect(cropOf(index)).toEqual(crop)
  }
  // Three rows of seven places.
  expect(places.size).toBe(21)
})

it('half of the crops are mirrored, if that is asked for', () => {
  const mirrored = Array.from({ length: 200 }, (_, i) => cropOf(i, true)).filter(
    ([first, second]) => second! < first!,
  )
  expect(mirrored.length).toBeGreaterThan(70)
  expect(mirrored.length).toBeLessThan(130)
})

it('places of one colour are passed over, unless there are few others', () => {
  const pixels = new Uint8Array(2 * SIZE).fill(255)
  // One pixel in ten columns: a crop of four sees it in four places of seven, at most.
  for (let c = 0; c < 3; c++) for (let y = 0; y < 6; y++) pixels[SIZE + (c * 6 + y) * 10 + 4] = 0
  const shows = (index: number) => new Set(cropOf(index, false, 4, { ...dataset, pixels })).size > 1
  const shown = Array.from({ length: 200 }, (_, i) => shows(i)).filter(Boolean).length
  // At one try 114 of 200 would show it; at four 193.
  expect(shown).toBeGreaterThan(170)
  const blank = { ...dataset, pixels: pixels.fill(255) }
  expect(new Set(cropOf(0, false, 4, blank))).toEqual(new Set([255]))
})

it('no crop is larger than its picture', () => {
  expect(() => cropOf(0, false, 8)).toThrow('a crop of 8×8 of a picture of 6×10')
})

it('pictures are cut to sides that are multiples', () => {
  const { data, count, height, width } = cutPictures(dataset, [1], 4)
  expect([count, height, width]).toEqual([1, 4, 8])
  const expected = [0, 1, 2].flatMap((c) =>
    [0, 1, 2, 3].flatMap((y) =>
      [0, 1, 2, 3, 4, 5, 6, 7].map((x) => dataset.pixels[SIZE + (c * 6 + y) * 10 + x]! / 127.5 - 1),
    ),
  )
  expect([...data]).toEqual(Array.from(Float32Array.from(expected)))
})
