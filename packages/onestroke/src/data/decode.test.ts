/** Pictures of kinds that decoders get wrong in silence. */
import { square } from '@onestroke/core/picture'
import { describe, expect, it } from 'vitest'
import { decode, type Outcome } from './decode.js'
import { filled, RED } from './testing.js'

const decoded = (bytes: Uint8Array, resolution?: number): Promise<Outcome> =>
  decode(async () => bytes, resolution === undefined ? {} : { resolution: square(resolution) })

/** The pixel at (x, y), or why there is none. */
const pixel = async (bytes: Uint8Array, x: number, y: number) => {
  const outcome = await decoded(bytes)
  if ('reason' in outcome) return outcome.reason
  const { pixels, width, channels } = outcome.picture
  return [...pixels!.subarray((y * width + x) * channels, (y * width + x + 1) * channels)]
}

describe('a TIFF of floats', () => {
  it('is refused, because it would be black', async () => {
    expect(
      await decoded(
        grayTiff(
          Float32Array.from({ length: 64 }, (_, i) => i / 64),
          3,
        ),
      ),
    ).toEqual({
      reason: 'its values are of type float, not of 8 or 16 bits: convert it',
    })
  })

  it('is read if it has 16 bits', async () => {
    expect(
      await pixel(
        grayTiff(
          Uint16Array.from({ length: 64 }, (_, i) => i << 10),
          1,
        ),
        7,
        7,
      ),
    ).toEqual([251])
  })
})

/** An 8×8 picture of one channel, without compression. `format`: 1 for integers, 3 for floats. */
const grayTiff = (values: Uint16Array | Float32Array, format: 1 | 3): Uint8Array => {
  const tags = [
    [256, 8],
    [257, 8],
    [258, 8 * values.BYTES_PER_ELEMENT],
    [259, 1],
    [262, 1],
    [273, 200],
    [277, 1],
    [278, 8],
    [279, values.byteLength],
    [339, format],
  ] as const
  const bytes = Buffer.alloc(200 + values.byteLength)
  bytes.write('II*\0\x08', 'latin1')
  bytes.writeUInt16LE(tags.length, 8)
  for (const [i, [tag, value]] of tags.entries()) {
    bytes.writeUInt16LE(tag, 10 + 12 * i)
    bytes.writeUInt16LE(4, 12 + 12 * i)
    bytes.writeUInt32LE(1, 14 + 12 * i)
    bytes.writeUInt32LE(value, 18 + 12 * i)
  }
  bytes.set(new Uint8Array(values.buffer), 200)
  return bytes
}

describe('a frame that covers a part of its canvas', () => {
  it('of a GIF lies on white', async () => {
    for (const transparent of [false, true]) {
      const bytes = partialGif(transparent)
      expect(await pixel(bytes, 0, 0)).toEqual([255, 255, 255])
      expect(await pixel(bytes, 2, 3)).toEqual([255, 0, 0])
      expect(await pixel(bytes, 5, 6)).toEqual([255, 0, 0])
      expect(await pixel(bytes, 6, 6)).toEqual([255, 255, 255])
    }
    const outcome = await decoded(partialGif(false), 4)
    if ('reason' in outcome) throw new Error(outcome.reason)
    expect(outcome.picture).toMatchObject({ width: 4, channels: 3 })
  })

  it('of a WebP lies on white', async () => {
    for (const alpha of [false, true]) {
      const bytes = await partialWebp(alpha)
      expect(await pixel(bytes, 0, 0)).toEqual([255, 255, 255])
      expect(await pixel(bytes, 3, 3)).toEqual([255, 0, 0])
    }
  })
})

/** A canvas of 8×8 with a red frame of 4×4 at (2, 3). */
const partialGif = (transparent: boolean): Uint8Array => {
  const bytes = [...Buffer.from('GIF89a'), 8, 0, 8, 0, 0x80, 0, 0, 0, 0, 0, 255, 0, 0]
  // A comment, and the colour that is transparent: black.
  bytes.push(0x21, 0xfe, 2, 104, 105, 0)
  if (transparent) bytes.push(0x21, 0xf9, 4, 1, 0, 0, 0, 0)
  bytes.push(0x2c, 2, 0, 3, 0, 4, 0, 4, 0, 0)
  // LZW with codes of three bits, which are cleared (4) before they would grow: 16 times colour 1, then the end (5).
  const codes = [...Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? [4, 1] : [1])).flat(), 5]
  const data: number[] = []
  for (const [i, code] of codes.entries())
    for (let bit = 0; bit < 3; bit++) {
      const at = 3 * i + bit
      data[at >> 3] = (data[at >> 3] ?? 0) | (((code >> bit) & 1) << (at & 7))
    }
  return Uint8Array.from([...bytes, 2, data.length, ...data, 0, 0x3b])
}

/** An animation of 8×8 with red frames of 4×4 at (2, 2). */
const partialWebp = async (alpha: boolean): Promise<Uint8Array> => {
  const still = await filled(RED, 4).webp({ lossless: true }).toBuffer()
  const u24 = (value: number) => [value & 255, (value >> 8) & 255, value >> 16]
  const chunk = (name: string, ...content: number[]) => {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(content.length)
    return [...Buffer.from(name), ...length, ...content, ...(content.length % 2 ? [0] : [])]
  }
  const frame = chunk(
    'ANMF',
    ...u24(1),
    ...u24(1),
    ...u24(3),
    ...u24(3),
    ...u24(100),
    0,
    ...still.subarray(12),
  )
  const canvas = chunk('VP8X', alpha ? 0x12 : 0x02, 0, 0, 0, ...u24(7), ...u24(7))
  const animation = chunk('ANIM', 0, 0, 0, 255, 0, 0)
  return Uint8Array.from(chunk('RIFF', ...Buffer.from('WEBP'), ...canvas, ...animation, ...frame, ...frame))
}
