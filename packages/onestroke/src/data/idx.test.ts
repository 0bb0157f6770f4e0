import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { UserError } from '@onestroke/core/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseIdx, readIdx } from './idx.js'
import { complaint, folderOf } from './testing.js'

const idx = (shape: readonly number[], data: Uint8Array, magic = 0x800 + shape.length): Uint8Array => {
  const bytes = new Uint8Array(4 + 4 * shape.length + data.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic)
  for (const [i, size] of shape.entries()) view.setUint32(4 + 4 * i, size)
  bytes.set(data, 4 + 4 * shape.length)
  return bytes
}

const someIdx = fc.array(fc.nat(5), { minLength: 1, maxLength: 4 }).chain((shape) => {
  const length = shape.reduce((product, size) => product * size, 1)
  return fc.record({
    shape: fc.constant(shape),
    data: fc.uint8Array({ minLength: length, maxLength: length }),
  })
})

describe('parseIdx', () => {
  it('gives back what was written', () => {
    fc.assert(
      fc.property(someIdx, ({ shape, data }) => {
        expect(parseIdx(idx(shape, data), 'f', shape.length)).toEqual({ shape, data })
      }),
    )
  })

  it('says what it expected and found of every file that is too short or too long', () => {
    fc.assert(
      fc.property(someIdx, fc.nat(), fc.nat(9), ({ shape, data }, cut, more) => {
        const whole = idx(shape, data)
        const short = whole.subarray(0, cut % whole.length)
        expect(() => parseIdx(short, 'f', shape.length)).toThrow(`f is truncated: expected `)
        expect(() => parseIdx(short, 'f', shape.length)).toThrow(`found ${short.length}`)
        const long = new Uint8Array(whole.length + 1 + more)
        long.set(whole)
        expect(() => parseIdx(long, 'f', shape.length)).toThrow(
          `f is too long: expected ${whole.length} bytes, found ${long.length}`,
        )
      }),
    )
  })

  it('knows no other outcome than a result or a UserError, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(1, 3), (bytes, dimensions) => {
        try {
          parseIdx(bytes, 'f', dimensions)
        } catch (error) {
          expect(error).toBeInstanceOf(UserError)
        }
      }),
    )
  })

  it('compares magic numbers', () => {
    const labels = idx([2], Uint8Array.of(1, 2))
    expect(() => parseIdx(labels, 'train-images', 3)).toThrow(
      'train-images: expected the magic number 0x00000803, found 0x00000801',
    )
  })

  it('believes no header that promises more than there is', () => {
    const huge = idx([0xffffffff, 0xffffffff, 0xffffffff], new Uint8Array(8))
    expect(() => parseIdx(huge, 'f', 3)).toThrow('f is truncated')
  })
})

describe('readIdx', () => {
  const whole = idx(
    [1000],
    Uint8Array.from({ length: 1000 }, (_, i) => (i * i) % 251),
  )

  it('reads plain and gzipped files, also gzipped ones that lost their .gz', async () => {
    const directory = await folderOf({ plain: whole, 'packed.gz': gzipSync(whole), lost: gzipSync(whole) })
    const expected = parseIdx(whole, '', 1)
    for (const name of ['plain', 'packed.gz', 'lost'])
      expect(await readIdx(join(directory, name), 1)).toMatchObject({
        shape: expected.shape,
        data: Buffer.from(expected.data),
      })
  })

  it('unpacks no more than the header says', async () => {
    const bomb = gzipSync(Buffer.concat([whole, Buffer.alloc(2 ** 25)]))
    const foreign = gzipSync(Buffer.alloc(2 ** 25))
    const directory = await folderOf({ 'bomb.gz': bomb, 'foreign.gz': foreign })
    const before = process.memoryUsage().arrayBuffers
    expect((await complaint(readIdx(join(directory, 'bomb.gz'), 1))).message).toMatch(
      /bomb\.gz is too long: expected 1008 bytes, found \d{4,6}$/,
    )
    expect((await complaint(readIdx(join(directory, 'foreign.gz'), 1))).message).toMatch(
      /foreign\.gz: expected the magic number 0x00000801, found 0x00000000$/,
    )
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 23)
  })

  it('unpacks nothing more where the header promises too much', async () => {
    const lying = gzipSync(Buffer.concat([idx([0xffffffff], new Uint8Array()), Buffer.alloc(2 ** 25)]))
    // Who went on would find the damage.
    lying.fill(0xff, Math.floor(lying.length / 2))
    const directory = await folderOf({ 'lying.gz': lying })
    const before = process.memoryUsage().arrayBuffers
    expect((await complaint(readIdx(join(directory, 'lying.gz'), 1))).message).toBe(
      `${join(directory, 'lying.gz')} is too large to hold in memory: more than 4 GiB when unpacked`,
    )
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 23)
  })

  it('tells files that are no gzip, truncated or damaged', async () => {
    const packed = gzipSync(whole)
    const damaged = Buffer.from(packed)
    damaged.fill(0xff, 40, 60)
    const directory = await folderOf({
      'plain.gz': whole,
      'empty.gz': '',
      'short.gz': packed.subarray(0, packed.length / 2),
      'damaged.gz': damaged,
    })
    const message = async (name: string) => (await complaint(readIdx(join(directory, name), 1))).message
    expect(await message('plain.gz')).toMatch(
      /plain\.gz is not gzip: expected it to begin with 1f 8b, found 00 00$/,
    )
    expect(await message('empty.gz')).toMatch(/empty\.gz is not gzip: .* found nothing$/)
    expect(await message('short.gz')).toMatch(/short\.gz is truncated: expected 1008 bytes, found \d+$/)
    expect(await message('damaged.gz')).toMatch(/damaged\.gz is damaged: /)
  })
})
