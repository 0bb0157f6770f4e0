/** How the constants of an ONNX model are stored. They are computed with as float32 in any case. */

import { halfOf, ofHalves } from './half.js'

/** Every way to store weights, with a line of help. */
export const STORAGES = {
  fp32: 'as they were trained',
  fp16: 'half the bytes',
  int8: 'a quarter of the bytes, with a float32 scale for each row or column',
} as const
export type Storage = keyof typeof STORAGES

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
  switch (storage) {
    case 'fp32':
      return values
    case 'fp16':
      return ofHalves(Uint16Array.from(values, halfOf))
    case 'int8':
      return isQuantized(shape) ? unquantized(quantize(values, shape)) : values
    default:
      return storage satisfies never
  }
}

/** Whether int8 rounds a constant of this shape: scalars and vectors stay float32, being small. */
export const isQuantized = (shape: readonly number[]): boolean => shape.length >= 2

const unquantized = ({ values, scale, axis }: Quantized): Float32Array => {
  const inner = values.length / scale.length
  return Float32Array.from(
    values,
    (n, i) => n * scale[axis === 'first' ? Math.floor(i / inner) : i % scale.length]!,
  )
}
