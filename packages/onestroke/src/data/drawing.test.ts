/** Drawings that take for ever, and what ends them. */
import { square } from '@onestroke/core/picture'
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
    expect(endless).toEqual({ reason: 'takes more than 0.5 seconds to draw' })
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
