/**
 * In every file of tests: arrays of numbers are equal if their bytes are, which millions of them are asked at once. Others may be
 * equal all the same, as one NaN and another are.
 */
import { expect } from 'vitest'

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  Buffer.from(buffer, byteOffset, byteLength)

expect.addEqualityTesters([
  (a, b) => {
    if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b) || a.constructor !== b.constructor) return undefined
    return bytesOf(a).equals(bytesOf(b)) || (a instanceof Uint8Array ? false : undefined)
  },
])
