import { crc32 } from 'node:zlib'
import { PNG } from 'pngjs'
import { describe, expect, it } from 'vitest'
import { readPngText, withPngText } from './png-text.js'

const png = PNG.sync.write(new PNG({ width: 3, height: 2, fill: true }))

describe('a note in a PNG', () => {
  it('is read again, whatever its letters are, beside others', () => {
    const text = JSON.stringify({ prompt: 'cat 🐱 «Müller»\n\0end' })
    const noted = withPngText(withPngText(png, 'other', 'of another program'), 'onestroke', text)
    expect(readPngText(noted, 'onestroke')).toBe(text)
    expect(readPngText(noted, 'other')).toBe('of another program')
    expect(readPngText(noted, 'one')).toBeUndefined()
    expect(readPngText(png, 'onestroke')).toBeUndefined()
  })

  it('leaves a PNG that strict readers take, with the same pixels', () => {
    const noted = Buffer.from(withPngText(png, 'onestroke', 'painted'))
    const { width, height, data } = PNG.sync.read(noted, { checkCRC: true })
    expect([width, height]).toEqual([3, 2])
    expect(data).toEqual(PNG.sync.read(png).data)
    const at = noted.indexOf('iTXt')
    const length = noted.readUInt32BE(at - 4)
    expect(noted.readUInt32BE(at + 4 + length)).toBe(crc32(noted.subarray(at, at + 4 + length)))
  })

  it('is looked for in nothing but a PNG, however it breaks off', () => {
    const noted = withPngText(png, 'onestroke', 'painted')
    for (let length = 0; length < noted.length; length++) {
      const found = readPngText(noted.subarray(0, length), 'onestroke')
      expect(found === undefined || found === 'painted').toBe(true)
    }
    expect(readPngText(Buffer.from('GIF89a and so on'), 'onestroke')).toBeUndefined()
    expect(() => withPngText(Buffer.from('GIF89a'), 'onestroke', '')).toThrow('only a PNG can hold a note')
  })
})
