/** float16, which JavaScript has no arrays for, as its sixteen bits (IEEE 754, binary16). */

const bits = new Uint32Array(1)
const asFloat = new Float32Array(bits.buffer)

/** The float16 nearest to a number, ties to even; beyond 65504 infinity. */
export const halfOf = (value: number): number => {
  asFloat[0] = value
  const sign = (bits[0]! >>> 16) & 0x8000
  const magnitude = bits[0]! & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude < 0x38800000) {
    // Subnormal: a multiple of 2^-24. Adding 0.5 leaves exactly that many bits, and rounds as IEEE does.
    asFloat[0] = Math.abs(value) + 0.5
    return sign | (bits[0]! - 0x3f000000)
  }
  const odd = (magnitude >>> 13) & 1
  return sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13)
}

/** The number that a float16 stands for. */
export const ofHalf = (half: number): number => {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15))
}

let table: Float32Array | undefined

/** The numbers that many float16 stand for. From a table of all there are, some thirty times as fast as one by one. */
export const ofHalves = (halves: Uint16Array): Float32Array<ArrayBuffer> => {
  table ??= Float32Array.from({ length: 2 ** 16 }, (_, half) => ofHalf(half))
  const numbers = new Float32Array(halves.length)
  for (let i = 0; i < halves.length; i++) numbers[i] = table[halves[i]!]!
  return numbers
}
