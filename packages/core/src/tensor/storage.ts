/** How the constants of an ONNX model are stored. They are computed with as float32 in any case. */

import { halfOf, ofHalves } from './half.js'

/** float32, float16 (half the bytes), or int8 with a float32 scale for each row or column (a quarter of the bytes). */
export type Storage = 'float32' | 'float16' | 'int8'

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

/** The numbers that a model computes with if a constant is stored so. */
export const stored = (values: Float32Array, shape: readonly number[], storage: Storage): Float32Array => {
  if (storage === 'float16') return ofHalves(Uint16Array.from(values, halfOf))
  if (storage === 'float32' || shape.length < 2) return values
  const { values: rounded, scale, axis } = quantize(values, shape)
  const inner = values.length / scale.length
  return Float32Array.from(
    rounded,
    (n, i) => n * scale[axis === 'first' ? Math.floor(i / inner) : i % scale.length]!,
  )
}
