import { describe, expect, it } from 'vitest'
import { middleOf, pixelsOf, readSize, sizeOf, sizeOption, sizeText, square } from './index.js'

const wide = { height: 24, width: 48 }

describe('readSize', () => {
  it('reads what sizeOption writes: a side, or width and height', () => {
    expect(readSize('32')).toEqual(square(32))
    expect(readSize('48x24')).toEqual(wide)
    expect(readSize('48×24')).toEqual(wide)
    for (const size of [wide, square(8), { height: 96, width: 64 }])
      expect(readSize(sizeOption(size))).toEqual(size)
    expect(sizeOption(square(8))).toBe('8')
    expect(sizeText(wide)).toBe('48×24')
  })

  it.each(['', '0', '0x8', '8x0', '8x', 'x8', '8.5', '-8', '8x8x8', '1e3', '8 8'])(
    'knows that %j is no size',
    (text) => {
      expect(readSize(text)).toBeUndefined()
    },
  )
})

describe('middleOf', () => {
  it('cuts off what scaling to cover a size leaves over, equally on both sides', () => {
    expect(middleOf({ height: 100, width: 100 }, wide)).toEqual({ height: 50, width: 100, top: 25, left: 0 })
    expect(middleOf({ height: 24, width: 100 }, wide)).toEqual({ height: 24, width: 48, top: 0, left: 26 })
    expect(middleOf({ height: 480, width: 640 }, square(32))).toEqual({
      height: 480,
      width: 480,
      top: 0,
      left: 80,
    })
  })
})

it('counts numbers and pixels', () => {
  expect(sizeOf({ ...wide, channels: 3 })).toBe(3456)
  expect(pixelsOf(wide)).toBe(1152)
})
