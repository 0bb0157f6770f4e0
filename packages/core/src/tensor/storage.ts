/** How the constants of an ONNX model are stored. They are computed with as float32 in any case. */

/** float32, float16 (half the bytes), or int8 with a float32 scale for each row or column (a quarter of the bytes). */
export type Storage = 'float32' | 'float16' | 'int8'

const bits = new Uint32Array(1)
const asFloat = new Float32Array(bits.buffer)

/** The float16 nearest to a number, ties to even; beyond 65504 infinity (IEEE 754, binary16). */
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

export interface Quantized {
  readonly values: Int8Array
  readonly scale: Float32Array
  /** The axis along which scales differ: first or last. */
  readonly axis: 'first' | 'last'
}

/**
 * Rounds to whole multiples, from −127 to 127, of a scale for each index of the first or of the last axis, whichever
 * loses less: symmetric quantisation, Jacob et al. 2018, §2.1, with zero point 0.
 *
 * @param shape at least two axes.
 */
export const quantize = (values: Float32Array, shape: readonly number[]): Quantized => {
  const tries = (['first', 'last'] as const).map((axis) => quantizeAlong(values, shape, axis))
  return tries[0]!.error <= tries[1]!.error ? tries[0]! : tries[1]!
}

const quantizeAlong = (values: Float32Array, shape: readonly number[], axis: Quantized['axis']) => {
  const count = axis === 'first' ? shape[0]! : shape.at(-1)!
  const inner = values.length / count
  const at = axis === 'first' ? (i: number) => Math.floor(i / inner) : (i: number) => i % count
  const scale = new Float32Array(count)
  for (const [i, value] of values.entries()) scale[at(i)] = Math.max(scale[at(i)]!, Math.abs(value) / 127)
  const rounded = new Int8Array(values.length)
  let error = 0
  for (const [i, value] of values.entries()) {
    const unit = scale[at(i)]!
    if (unit > 0) rounded[i] = Math.max(-127, Math.min(127, Math.round(value / unit)))
    error += (rounded[i]! * unit - value) ** 2
  }
  return { values: rounded, scale, axis, error }
}
