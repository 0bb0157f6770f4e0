/** Drawings and pictures that take for ever, and what ends them. */
import { square } from '@onestroke/core/picture'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { decode, type Outcome } from './decode.js'
import { Drawers, decodeForeign } from './drawing.js'
import { ENDLESS } from './testing.js'

const disc = (colour: string) =>
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><circle cx="4" cy="4" r="4" fill="${colour}"/></svg>`,
  )

const pixelsIn = (outcome: Outcome): number[] | string =>
  'reason' in outcome ? outcome.reason : [...outcome.picture.pixels!]

describe('drawings', () => {
  it('that take too long are refused, and those behind them are drawn', async () => {
    const drawers = new Drawers(0.5, 1)
    const [endless, ...others] = await Promise.all(
      [ENDLESS, disc('red'), disc('blue')].map((bytes) => drawers.draw(bytes, { resolution: square(8) })),
    )
    expect(endless).toEqual({ reason: 'takes more than 0.5 seconds to read' })
    expect(pixelsIn(others[0]!)).toHaveLength(192)
    for (const [i, colour] of ['red', 'blue'].entries())
      expect(pixelsIn(others[i]!)).toEqual(
        pixelsIn(await decode(async () => disc(colour), { resolution: square(8) })),
      )
  })

  it('are told from pictures by how they begin, and refused where they are not taken', async () => {
    const formats = ['png', 'jpeg']
    for (const bytes of [disc('red'), Buffer.concat([Buffer.from('\ufeff\n'), disc('red')])])
      expect(await decodeForeign(async () => bytes, { formats })).toEqual({
        reason: 'svg is not taken, only png, jpeg',
      })
    expect(await decodeForeign(async () => Buffer.from('text'), { formats })).toEqual({
      reason: 'not a picture',
    })
  })
})

/**
 * A grey JPEG, each coefficient of which comes alone and bit by bit, in a scan of its own: 882 of them, in which nothing is.
 * So small a file keeps a processor busy for a time that grows with pixels times scans.
 */
const inManyScans = async (side: number): Promise<Buffer> => {
  const create = { width: side, height: side, channels: 3, background: '#888' } as const
  const whole = await sharp({ create }).toColourspace('b-w').jpeg({ progressive: true }).toBuffer()
  const starts = [...whole.keys()].filter((at) => whole[at] === 0xff && [0xda, 0xc4].includes(whole[at + 1]!))
  // Tables, a scan of the mean values; then a table and a scan of coefficients, and others like it.
  const [, , table, scan, next] = starts
  const scanOf = (coefficient: number, before: number, now: number) => {
    const bytes = Buffer.from(whole.subarray(scan, next))
    bytes.set([coefficient, coefficient, before * 16 + now], 7)
    return bytes
  }
  const scans = Array.from({ length: 63 }, (_, i) =>
    Array.from({ length: 14 }, (_, bit) => scanOf(i + 1, bit === 0 ? 0 : 14 - bit, 13 - bit)),
  ).flat()
  return Buffer.concat([
    whole.subarray(0, table),
    whole.subarray(table, scan),
    ...scans,
    Buffer.from([0xff, 0xd9]),
  ])
}

describe('JPEGs', () => {
  it('of very many scans are refused when they take too long, as drawings are', async () => {
    const bomb = await inManyScans(2400)
    expect(bomb.length).toBeLessThan(200_000)
    const options = { resolution: square(8) }
    expect(await decodeForeign(async () => bomb, options, new Drawers(0.2, 1))).toEqual({
      reason: 'takes more than 0.2 seconds to read',
    })
    const small = await inManyScans(64)
    const grey = pixelsIn(await decodeForeign(async () => small, options, new Drawers(20, 1)))
    expect(new Set<unknown>(grey)).toEqual(new Set([136]))
  })

  it('of the usual number of scans are decoded here', async () => {
    const create = { width: 64, height: 64, channels: 3, background: '#888' } as const
    const photo = await sharp({ create }).jpeg({ progressive: true }).toBuffer()
    const nobody = new Drawers(20, 0)
    const options = { resolution: square(8) }
    const grey = pixelsIn(await decodeForeign(async () => photo, options, nobody))
    expect(new Set<unknown>(grey)).toEqual(new Set([136]))
  })
})
