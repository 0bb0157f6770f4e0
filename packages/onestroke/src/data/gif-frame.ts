/** Finds the rectangle of a GIF's first frame on its canvas. */

export interface Rectangle {
  left: number
  top: number
  width: number
  height: number
}

const EXTENSION = 0x21
const IMAGE = 0x2c

/** The rectangle of the first frame, within the canvas; undefined if the file does not say. */
export const firstFrameOf = (bytes: Uint8Array): Rectangle | undefined => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const u16 = (at: number) => view.getUint16(at, true)
  try {
    const flags = view.getUint8(10)
    let at = 13 + (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0)
    while (view.getUint8(at) === EXTENSION) {
      at += 2
      // Blocks of data, each with its length before it; an empty one is the last.
      while (view.getUint8(at) > 0) at += 1 + view.getUint8(at)
      at++
    }
    if (view.getUint8(at) !== IMAGE) return undefined
    const left = Math.min(u16(at + 1), u16(6))
    const top = Math.min(u16(at + 3), u16(8))
    return {
      left,
      top,
      width: Math.min(u16(at + 5), u16(6) - left),
      height: Math.min(u16(at + 7), u16(8) - top),
    }
  } catch {
    // The file ends before.
    return undefined
  }
}
