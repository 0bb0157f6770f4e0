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

/** RGBA bytes as [channels, size] values in [-1, 1], the inverse of `toRGBA`; one channel is the mean of the colours. */
export const fromRGBA = (rgba: ArrayLike<number>, channels: number): Float32Array => {
  const size = rgba.length / 4
  const data = new Float32Array(channels * size)
  for (let i = 0; i < size; i++) {
    const [r, g, b] = [rgba[4 * i]!, rgba[4 * i + 1]!, rgba[4 * i + 2]!]
    const values = channels === 1 ? [(r + g + b) / 3] : [r, g, b]
    for (const [c, value] of values.entries()) data[c * size + i] = value / 127.5 - 1
  }
  return data
}
