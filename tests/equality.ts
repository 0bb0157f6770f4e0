/** In every file of tests: arrays of numbers and bytes are equal when their bytes are, which millions of them are asked at once. */
import { expect } from 'vitest'

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  Buffer.from(buffer, byteOffset, byteLength)

expect.addEqualityTesters([
  (a, b) =>
    ArrayBuffer.isView(a) && ArrayBuffer.isView(b) && a.constructor === b.constructor
      ? bytesOf(a).equals(bytesOf(b))
      : undefined,
])
