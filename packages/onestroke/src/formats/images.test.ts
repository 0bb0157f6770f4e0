import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { imageGrid, type Picture, type Pictures, pngGrid, pngOf } from './images.js'

/** A PNG's size and a way to look at its pixels. */
async function decode(png: Uint8Array) {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true })
  const pixel = (x: number, y: number) => [
    ...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3),
  ]
  return { width: info.width, height: info.height, channels: info.channels, pixel }
}

const MAGENTA = [255, 0, 255]
const grey = (byte: number) => [byte, byte, byte]

describe('pngOf', () => {
  it('gives back every byte that was made a float', async () => {
    const data = Float32Array.from({ length: 256 }, (_, byte) => byte / 127.5 - 1)
    const { pixel } = await decode(await pngOf({ data, channels: 1, height: 1, width: 256 }))
    for (let byte = 0; byte < 256; byte++) expect(pixel(byte, 0)).toEqual(grey(byte))
  })

  it('rounds to the nearest byte', async () => {
    const data = new Float32Array([-0.999, 0, 0.999])
    const { pixel } = await decode(await pngOf({ data, channels: 1, height: 1, width: 3 }))
    expect([0, 1, 2].map((x) => pixel(x, 0))).toEqual([0, 128, 255].map(grey))
  })

  it('draws planar colours', async () => {
    const data = new Float32Array([1, -1, -1, 1, -1, 0]) // red of both pixels, green of both, blue of both
    const { width, height, channels, pixel } = await decode(
      await pngOf({ data, channels: 3, height: 1, width: 2 }),
    )
    expect([width, height, channels]).toEqual([2, 1, 3])
    expect(pixel(0, 0)).toEqual([255, 0, 0])
    expect(pixel(1, 0)).toEqual([0, 255, 128])
  })

  it('clamps what lies outside', async () => {
    const data = new Float32Array([1.01, -1.01, 3, -3, 1, -1])
    const { pixel } = await decode(await pngOf({ data, channels: 3, height: 1, width: 2 }))
    expect([pixel(0, 0), pixel(1, 0)]).toEqual([
      [255, 255, 255],
      [0, 0, 0],
    ])
  })

  it('draws one channel as grey, enlarged without smoothing', async () => {
    const picture: Picture = { data: new Float32Array([-1, 1, 0, 0.5]), channels: 1, height: 2, width: 2 }
    const { width, height, pixel } = await decode(await pngOf(picture, { scale: 3 }))
    expect([width, height]).toEqual([6, 6])
    for (let y = 0; y < 6; y++) {
      for (let x = 0; x < 6; x++) {
        const byte = [0, 255, 128, 191][Math.floor(y / 3) * 2 + Math.floor(x / 3)]!
        expect(pixel(x, y), `${x}, ${y}`).toEqual(grey(byte))
      }
    }
  })

  it('draws what is not finite in magenta, in any channel', async () => {
    const bad = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    const one = await decode(
      await pngOf({ data: new Float32Array([...bad, 1]), channels: 1, height: 1, width: 4 }),
    )
    expect([0, 1, 2, 3].map((x) => one.pixel(x, 0))).toEqual([MAGENTA, MAGENTA, MAGENTA, grey(255)])
    const data = new Float32Array([Number.NaN, 0, 0, 0, 0, Number.NaN, 0, 0, 0, 0, Number.NaN, 0])
    const three = await decode(await pngOf({ data, channels: 3, height: 1, width: 4 }))
    expect([0, 1, 2, 3].map((x) => three.pixel(x, 0))).toEqual([MAGENTA, MAGENTA, MAGENTA, grey(128)])
  })
})

describe('pngGrid', () => {
  /** `count` pictures of 2 × 3 pixels; picture i is all of byte 10·i. */
  const pictures = (count: number): Pictures => ({
    data: Float32Array.from({ length: count * 6 }, (_, i) => (Math.floor(i / 6) * 10) / 127.5 - 1),
    count,
    channels: 1,
    height: 2,
    width: 3,
  })

  it('lays pictures out in rows, with gaps and empty places in the background colour', async () => {
    const background = [1, 2, 3] as const
    const png = await pngGrid(pictures(5), { columns: 3, scale: 2, gap: 4, background })
    const { width, height, pixel } = await decode(png)
    expect([width, height]).toEqual([3 * 6 + 2 * 4, 2 * 4 + 4])
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [column, row] = [Math.floor(x / 10), Math.floor(y / 8)]
        const image = row * 3 + column
        const inside = x % 10 < 6 && y % 8 < 4 && image < 5
        expect(pixel(x, y), `${x}, ${y}`).toEqual(inside ? grey(image * 10) : [...background])
      }
    }
  })

  it('keeps planar colours of many pictures apart', async () => {
    const data = new Float32Array([1, 0, -1, -1, 0, 1])
    const { pixel } = await decode(
      await pngGrid({ data, count: 2, channels: 3, height: 1, width: 1 }, { columns: 2, scale: 1, gap: 0 }),
    )
    expect([pixel(0, 0), pixel(1, 0)]).toEqual([
      [255, 128, 0],
      [0, 128, 255],
    ])
  })

  it.each([
    [64, 32, 8 * 32 * 2 + 7 * 2], // 8 × 8 emoji
    [100, 28, 10 * 28 * 2 + 9 * 2], // 10 × 10 digits
    [1, 32, 480],
    [4, 512, 2 * 512 + 2],
  ])('makes %i pictures of %i pixels about 512 wide or wider', async (count, size, expected) => {
    const data = new Float32Array(count * size * size)
    const { width } = await decode(await pngGrid({ data, count, channels: 1, height: size, width: size }))
    expect(width).toBe(expected)
  })

  it('gives equal bytes for equal pictures', async () => {
    expect(await pngGrid(pictures(7))).toEqual(await pngGrid(pictures(7)))
  })

  it.each<[string, object, object, string]>([
    [
      'no pictures',
      { count: 0, data: new Float32Array(0) },
      {},
      'count: expected a whole number ≥ 1, found 0',
    ],
    ['too few floats', { data: new Float32Array(5) }, {}, 'data: expected 12 floats, found 5'],
    ['half a column', {}, { columns: 1.5 }, 'columns: expected a whole number ≥ 1, found 1.5'],
    ['a scale of nothing', {}, { scale: 0 }, 'scale: expected'],
    ['a negative gap', {}, { gap: -1 }, 'gap: expected a whole number ≥ 0, found -1'],
  ])('refuses %s', async (_, images, options, message) => {
    await expect(pngGrid({ ...pictures(2), ...images }, options)).rejects.toThrow(message)
  })
})

describe('pictures that are no squares', () => {
  /** Two of 4×2: red with a green last column, blue with a green last row. */
  const data = new Float32Array(2 * 3 * 8).fill(-1)
  const set = (i: number, c: number, y: number, x: number) => {
    data[((i * 3 + c) * 2 + y) * 4 + x] = 1
  }
  for (let y = 0; y < 2; y++)
    for (let x = 0; x < 4; x++) {
      set(0, x === 3 ? 1 : 0, y, x)
      set(1, y === 1 ? 1 : 2, y, x)
    }
  const pictures = { data, count: 2, channels: 3, height: 2, width: 4 }

  it('lie in a grid with their own sides', async () => {
    const grid = await decode(await pngGrid(pictures, { columns: 1, scale: 3, gap: 1 }))
    expect([grid.width, grid.height]).toEqual([12, 13])
    expect(grid.pixel(11, 0)).toEqual([0, 255, 0])
    expect(grid.pixel(8, 5)).toEqual([255, 0, 0])
    expect(grid.pixel(0, 7)).toEqual([0, 0, 255])
    expect(grid.pixel(11, 12)).toEqual([0, 255, 0])
  })

  it('cover another size, and lose what lies beside its middle', async () => {
    const one = { ...pictures, count: 1, data: data.subarray(0, 24) }
    const square = await decode(await imageGrid(one, { scale: 16, size: { height: 32, width: 32 } }))
    expect([square.width, square.height]).toEqual([32, 32])
    for (const x of [0, 31]) expect(square.pixel(x, 16)).toEqual([255, 0, 0])
    const own = await decode(await imageGrid(one, { scale: 16, size: { height: 32, width: 64 } }))
    expect(own.pixel(63, 0)).toEqual([0, 255, 0])
  })

  it('are refused where they have four channels, which no file of colours holds', async () => {
    const latents = { data: new Float32Array(4 * 8), channels: 4, height: 2, width: 4 }
    await expect(async () => pngOf(latents)).rejects.toThrow(
      /^pictures of 4 channels cannot be read or shown/,
    )
  })
})
