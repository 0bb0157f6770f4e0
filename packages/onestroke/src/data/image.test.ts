import { join } from 'node:path'
import { square } from '@onestroke/core/picture'
import { fromRGBA, maskFromRGBA } from '@onestroke/core/pipeline'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { loadDataset, readImage, readMask, readPicture } from './index.js'
import { complaint, filled, folderOf, greyPng, noise, png, RED } from './testing.js'

const shape = { channels: 3, height: 8, width: 8 } as const

describe('for a model of rectangles', () => {
  const wide = { channels: 3, height: 24, width: 48 }

  it('a picture and its mask are cut in the same places', async () => {
    // A white bar of 40 rows in 480, over 240 columns of 320: 2:1 of it are rows 160 to 320.
    const rows = Buffer.alloc(320 * 480)
    rows.fill(255, 320 * 200, 320 * 240)
    const file = await sharp(rows, { raw: { width: 320, height: 480, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer()
    const [image, mask] = [await readImage(file, { ...wide, channels: 1 }), await readMask(file, wide)]
    expect([image.length, mask.length]).toEqual([24 * 48, 24 * 48])
    const middle = (values: Float32Array) => Array.from({ length: 24 }, (_, y) => values[48 * y + 20]!)
    expect(middle(mask)).toEqual(Array.from({ length: 24 }, (_, y) => Number(y >= 6 && y < 12)))
    for (const [y, value] of middle(image).entries())
      if (y < 5 || y > 12) expect(value).toBeLessThan(-0.9)
      else if (y > 6 && y < 11) expect(value).toBeGreaterThan(0.9)
  })

  it('one that was enlarged by a whole number has its pixels again, without what lies beside', async () => {
    const large = (k: number, edge = 0) =>
      noise(48)
        .extract({ left: 0, top: 0, width: 48, height: 24 })
        .toBuffer({ resolveWithObject: true })
        .then(({ data, info }) =>
          sharp(data, { raw: { ...info, channels: 3 } })
            .resize(48 * k, 24 * k, { kernel: 'nearest' })
            .extend({ top: edge, bottom: edge, background: '#fff' })
            .png()
            .toBuffer(),
        )
    const own = await readImage(await large(1), wide)
    for (const k of [2, 5]) expect(await readImage(await large(k), wide)).toEqual(own)
    expect(await readImage(await large(4, 8), wide)).toEqual(own)
  })

  it('is refused where pictures have other than 1 or 3 channels', async () => {
    expect((await complaint(readImage(await png(RED, 8), { ...wide, channels: 4 }))).message).toBe(
      'pictures of 4 channels cannot be read or shown: a picture has 1 channel, which is grey, or 3, which are colours',
    )
  })
})

describe('a picture', () => {
  it('is fitted as the data loader fits it, whatever it is', async () => {
    const files = {
      'grey.png': await greyPng(100, 20),
      'photo.jpg': await noise(32).jpeg().toBuffer(),
      'drawing.svg':
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 6"><circle cx="3" cy="3" r="3" fill="#08f"/></svg>',
      'transparent.webp': await filled({ ...RED, alpha: 0.5 }, 30, 17)
        .webp()
        .toBuffer(),
    }
    const folder = await folderOf(files)
    const dataset = await loadDataset(folder, { channels: 3, resolution: 8 })
    for (const [i, file] of Object.keys(files).sort().entries()) {
      const expected = new Float32Array(3 * 64)
      readPicture(dataset, i, expected, 0)
      expect(await readImage(join(folder, file), shape)).toEqual(expected)
    }
  })

  it('that was enlarged by a whole number has the pixels that it had before, also beside its middle and in a JPEG', async () => {
    const small = await noise(8).raw().toBuffer()
    const large = (k: number) => noise(8).resize(8 * k, 8 * k, { kernel: 'nearest' })
    const bytesOf = async (file: Buffer, options = {}) => {
      const image = await readImage(file, shape, options)
      return Array.from({ length: image.length }, (_, i) =>
        Math.round((image[(i % 3) * 64 + Math.floor(i / 3)]! + 1) * 127.5),
      )
    }
    for (const k of [2, 3, 8, 32]) expect(await bytesOf(await large(k).png().toBuffer())).toEqual([...small])
    const wide = sharp(await large(4).png().toBuffer()).extend({ left: 8, right: 8, background: '#fff' })
    expect(await bytesOf(await wide.png().toBuffer())).toEqual([...small])
    const jpeg = await large(8).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer()
    const close = (await bytesOf(jpeg)).map((value, i) => Math.abs(value - small[i]!))
    expect(Math.max(...close)).toBeLessThan(4)
    // One pixel that differs, in the last square, makes it a picture like any other.
    const raw = await large(4).raw().toBuffer()
    raw[raw.length - 1]! ^= 255
    const other = sharp(raw, { raw: { width: 32, height: 32, channels: 3 } }).png()
    expect(await bytesOf(await other.toBuffer())).not.toEqual([...small])
  })

  it('of a grey model is grey', async () => {
    const image = await readImage(await png(RED, 9), { ...shape, channels: 1 })
    expect(image).toHaveLength(64)
    expect(new Set(image).size).toBe(1)
  })

  it.each([1, 3] as const)(
    'is what a page makes of the same pixels, transparent ones too: %i channels',
    async (channels) => {
      const rgba = Buffer.from(Array.from({ length: 256 }, (_, i) => (i * i * 37 + 11 * i) % 256))
      for (let i = 0; i < 8; i++) rgba[4 * i + 3] = 0
      const file = await sharp(rgba, { raw: { width: 8, height: 8, channels: 4 } })
        .png()
        .toBuffer()
      const [read, made] = [await readImage(file, { ...shape, channels }), fromRGBA(rgba, channels)]
      expect(made).toHaveLength(read.length)
      const far = made.map((value, i) => 127.5 * Math.abs(value - read[i]!))
      expect(Math.max(...far)).toBeLessThan(2)
      expect([...made.subarray(0, 8)]).toEqual(Array(8).fill(1))
    },
  )

  it('is refused in words', async () => {
    const folder = await folderOf({ 'a.png': 'nonsense', 'empty.png': '' })
    const said = async (from: string | Uint8Array, options = {}) =>
      (await complaint(readImage(from, shape, options))).message
    const at = (name: string) => join(folder, name)
    expect(await said(at('b.png'))).toBe(`cannot read the picture ${at('b.png')}: no such file`)
    expect(await said(at('a.png'))).toBe(`cannot read the picture ${at('a.png')}: not a picture`)
    expect(await said(at('empty.png'))).toBe(`cannot read the picture ${at('empty.png')}: empty file`)
    expect(await said(folder)).toBe(`cannot read the picture ${folder}: it is a folder`)
    const large = await png(RED, 1001)
    expect(await said(large, { megapixels: 1 })).toBe('cannot read the picture: more than 1 megapixels')
    expect(await said(large, { formats: ['webp', 'jpeg'] })).toBe(
      'cannot read the picture: png is not taken, only webp, jpeg',
    )
  })
})

/** A mask of 8×8 whose right half is a hole, as PNG; the rest is of one colour. */
const holed = (colour: readonly [number, number, number]) =>
  sharp(Buffer.from(Array.from({ length: 64 }, (_, i) => [...colour, i % 8 < 4 ? 255 : 0]).flat()), {
    raw: { width: 8, height: 8, channels: 4 },
  })
    .png()
    .toBuffer()

describe('a mask', () => {
  it('without holes is 1 where it is white, and 0 where it is black', async () => {
    for (const [bytes, value] of [
      [await greyPng(0, 16), 0],
      [await greyPng(255, 16), 1],
      [
        await sharp(await greyPng(0, 16))
          .ensureAlpha()
          .png()
          .toBuffer(),
        0,
      ],
      [await greyPng(51, 16), 0.2],
    ] as const)
      for (const found of await readMask(bytes, square(8))) expect(found).toBeCloseTo(value, 6)
    expect((await complaint(readMask('nowhere.png', square(8)))).message).toBe(
      'cannot read the mask nowhere.png: no such file',
    )
  })

  it('with holes is 1 where they are, whatever their colour and that of the rest', async () => {
    for (const colour of [
      [255, 220, 0],
      [255, 255, 255],
      [0, 0, 0],
    ] as const)
      for (const [i, found] of (await readMask(await holed(colour), square(8))).entries())
        expect(found).toBeCloseTo(i % 8 < 4 ? 0 : 1, 6)
    for (const found of await readMask(await png({ ...RED, alpha: 0.6 }, 5), square(8)))
      expect(found).toBeCloseTo(0.4, 2)
  })

  it.each([8, 20, 100, 129])('of %i pixels leaves alone what lies over nothing but black', async (side) => {
    const half = Buffer.from(
      Array.from({ length: 2 * side ** 2 }, (_, i) => (i % (2 * side) < side ? 0 : 255)),
    )
    const file = await sharp(half, { raw: { width: 2 * side, height: side, channels: 1 } })
      .png()
      .toBuffer()
    // Its middle square is taken, as of a picture.
    const read = await readMask(file, square(8))
    expect([...read]).toEqual(Array.from(read, (_, i) => (i % 8 < 4 ? 0 : 1)))
  })

  it('may be a drawing', async () => {
    const half = '<rect width="4" height="8" fill="#fd0"/>'
    const svg = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8">${half}</svg>`)
    for (const [i, found] of (await readMask(svg, square(8))).entries())
      expect(Math.abs(found - (i % 8 < 4 ? 0 : 1))).toBeLessThan(0.1)
  })

  it('is what a page makes of the same pixels', async () => {
    const opaque = await sharp(await greyPng(51, 8))
      .ensureAlpha()
      .png()
      .toBuffer()
    for (const file of [await holed([255, 220, 0]), opaque]) {
      const made = maskFromRGBA(await sharp(file).toColourspace('srgb').raw().toBuffer())
      const read = await readMask(file, square(8))
      expect(made).toHaveLength(64)
      for (const [i, value] of made.entries()) expect(value).toBeCloseTo(read[i]!, 2)
    }
  })
})
