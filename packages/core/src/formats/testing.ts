/** What the tests of the safetensors format share: files, tensors at random, and what is said of a broken file. */
import fc from 'fast-check'
import { UserError } from '../errors/index.js'
import { parseSafetensors, type SafetensorsDtype, serializeSafetensors } from './safetensors.js'

export const BITS: Record<SafetensorsDtype, number> = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
}
export const DTYPES = Object.keys(BITS) as SafetensorsDtype[]

export interface StoredTensor {
  name: string
  dtype: SafetensorsDtype
  shape: number[]
  data: Uint8Array
}

/** A file from a header's text and its data. */
export function fileOf(header: string, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const json = new TextEncoder().encode(header)
  const bytes = new Uint8Array(8 + json.length + data.length)
  new DataView(bytes.buffer).setUint32(0, json.length, true)
  bytes.set(json, 8)
  bytes.set(data, 8 + json.length)
  return bytes
}

export const headerOf = (bytes: Uint8Array) =>
  new TextDecoder().decode(
    bytes.subarray(8, 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)),
  )

/** What `parseSafetensors` says of bytes: undefined if it accepts them, the error if that is a `UserError`. */
export function complaint(bytes: Uint8Array): UserError | undefined {
  try {
    parseSafetensors(bytes, 'model.safetensors')
    return undefined
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
}

export const someNames = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    '',
    '0',
    '10',
    '9',
    'a"b\\c\n\u007f',
    '😀',
    'ﬁ',
    '\u2028',
  ),
)
export const someTensor: fc.Arbitrary<StoredTensor> = fc
  .record({
    name: someNames.filter((name) => name !== '__metadata__'),
    dtype: fc.constantFrom(...DTYPES),
    shape: fc.array(fc.nat(4), { maxLength: 4 }),
  })
  .map(({ name, dtype, shape }) => {
    const elements = shape.reduce((product, size) => product * size, 1)
    // Elements of 4 and 6 bits must fill whole bytes: four of them always do.
    return (elements * BITS[dtype]) % 8 === 0 ? { name, dtype, shape } : { name, dtype, shape: [...shape, 4] }
  })
  .chain(({ name, dtype, shape }) => {
    const length = shape.reduce((product, size) => product * size, BITS[dtype]) / 8
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((data) => ({ name, dtype, shape, data }) satisfies StoredTensor)
  })
export const someTensors = fc.uniqueArray(someTensor, { selector: ({ name }) => name, maxLength: 6 })
export const someMetadata = fc.dictionary(someNames, fc.string({ unit: 'binary' }), {
  maxKeys: 4,
  noNullPrototype: false,
})

export const example = serializeSafetensors(
  [
    { name: 'weight', dtype: 'F32', shape: [2, 3], data: new Float32Array([1, 2, 3, 4, 5, 6]) },
    { name: 'bias', dtype: 'F16', shape: [3], data: new Uint16Array([0x3c00, 0, 0xbc00]) },
    { name: 'step', dtype: 'I64', shape: [], data: new BigInt64Array([7n]) },
    { name: 'none', dtype: 'U8', shape: [0, 5], data: new Uint8Array(0) },
  ],
  { format: 'pt', written: 'by "onestroke"' },
)
