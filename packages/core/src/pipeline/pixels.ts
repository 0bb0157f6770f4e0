/** [-1, 1] to 0…255, rounded; typed arrays that clamp do the rest. */
export const toByte = (value: number): number => Math.round((value + 1) * 127.5)

/**
 * Picture `index` of [count, channels, size] values in [-1, 1] as RGBA bytes, size pixels of them. One channel is grey.
 */
export const toRGBA = (
  data: Float32Array,
  index: number,
  channels: number,
  size: number,
): Uint8ClampedArray<ArrayBuffer> => {
  const rgba = new Uint8ClampedArray(4 * size).fill(255)
  for (let c = 0; c < 3; c++) {
    const plane = (index * channels + Math.min(c, channels - 1)) * size
    for (let i = 0; i < size; i++) rgba[4 * i + c] = toByte(data[plane + i]!)
  }
  return rgba
}

/**
 * RGBA bytes as [channels, size] values in [-1, 1], the inverse of `toRGBA`. As where pictures are read from files, what is
 * transparent shows white, and one channel is the luminance of the colours: of light, by Rec. 709, not of bytes.
 */
export const fromRGBA = (rgba: ArrayLike<number>, channels: number): Float32Array => {
  const size = rgba.length / 4
  const data = new Float32Array(channels * size)
  for (let i = 0; i < size; i++) {
    const alpha = rgba[4 * i + 3]! / 255
    const over = (value: number) => 255 + alpha * (value - 255)
    const [r, g, b] = [over(rgba[4 * i]!), over(rgba[4 * i + 1]!), over(rgba[4 * i + 2]!)]
    const values = channels === 1 ? [luminance(r, g, b)] : [r, g, b]
    for (const [c, value] of values.entries()) data[c * size + i] = value / 127.5 - 1
  }
  return data
}

/**
 * RGBA bytes as a mask [size] in [0, 1]: 1 is painted anew, 0 stays. If anything is transparent, its holes are painted, whatever
 * their colour; otherwise white is 1, and black 0.
 */
export const maskFromRGBA = (rgba: ArrayLike<number>): Float32Array => {
  const holes = Float32Array.from({ length: rgba.length / 4 }, (_, i) => 1 - rgba[4 * i + 3]! / 255)
  return holes.some((hole) => hole > 0) ? holes : fromRGBA(rgba, 1).map((value) => (value + 1) / 2)
}

/** Takes sRGB's values from 0 to 255, and is in that range itself (IEC 61966-2-1). */
const luminance = (r: number, g: number, b: number): number => {
  if (r === g && g === b) return r
  const linear = 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b)
  return 255 * (linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055)
}

const light = (value: number): number => {
  const share = value / 255
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
}
