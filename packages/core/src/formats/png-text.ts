/** Notes in PNG files, as international text (PNG specification, third edition, section 11.3.3.4: iTXt). */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10]
/** Length, type and check sum, around every chunk's data. */
const FRAME = 12
/** Where the first chunk, the header, begins. */
const FIRST = SIGNATURE.length

/** CRC-32 (ISO 3309), as chunks have it. */
const crc32 = (bytes: Uint8Array): number => {
  let crc = -1
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}

const isPng = (bytes: Uint8Array): boolean => SIGNATURE.every((byte, i) => bytes[i] === byte)

/**
 * The PNG with a note under a keyword, right behind its header.
 *
 * @param keyword 1 to 79 characters of ASCII
 * @throws RangeError if the bytes are no PNG.
 */
export const withPngText = (png: Uint8Array, keyword: string, text: string): Uint8Array<ArrayBuffer> => {
  if (!isPng(png)) throw new RangeError('only a PNG can hold a note')
  const utf8 = new TextEncoder()
  // After the keyword: its end, no compression (two bytes), and neither a language nor a translated keyword (two ends).
  const typed = utf8.encode(`iTXt${keyword}\0\0\0\0\0${text}`)
  const chunk = new Uint8Array(8 + typed.length)
  const view = new DataView(chunk.buffer)
  view.setUint32(0, typed.length - 4)
  chunk.set(typed, 4)
  view.setUint32(4 + typed.length, crc32(typed))
  const behind = FIRST + FRAME + new DataView(png.buffer, png.byteOffset).getUint32(FIRST)
  const out = new Uint8Array(png.length + chunk.length)
  out.set(png.subarray(0, behind))
  out.set(chunk, behind)
  out.set(png.subarray(behind), behind + chunk.length)
  return out
}

/** A PNG's note under a keyword, if it has one that is not compressed; undefined for all other bytes. */
export const readPngText = (bytes: Uint8Array, keyword: string): string | undefined => {
  if (!isPng(bytes)) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const utf8 = new TextDecoder()
  for (let at = FIRST; at + FRAME <= bytes.length; ) {
    const length = view.getUint32(at)
    const typed = bytes.subarray(at + 4, at + 8 + length)
    if (typed.length < 4 + length) return undefined
    const begin = `iTXt${keyword}\0\0\0\0\0`
    if (utf8.decode(typed.subarray(0, begin.length)) === begin)
      return utf8.decode(typed.subarray(begin.length))
    at += FRAME + length
  }
  return undefined
}
