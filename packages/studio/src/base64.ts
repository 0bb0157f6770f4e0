/** Bytes as text, for what is kept in the browser's storage. */

export const toBase64 = (bytes: Uint8Array | Uint8ClampedArray): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))

/** @throws DOMException if the text is no base64. */
export const fromBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))

/** Red, green and blue of RGBA pixels that are opaque, as text. */
export const rgbToBase64 = (rgba: Uint8ClampedArray): string => toBase64(rgba.filter((_, i) => i % 4 < 3))

/** Opaque RGBA pixels from what `rgbToBase64` wrote; undefined unless there are so many. */
export const rgbFromBase64 = (text: string, count: number): Uint8ClampedArray<ArrayBuffer> | undefined => {
  const rgb = fromBase64(text)
  if (rgb.length !== 3 * count) return undefined
  const rgba = new Uint8ClampedArray(4 * count).fill(255)
  for (let i = 0; i < count; i++) rgba.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i)
  return rgba
}
