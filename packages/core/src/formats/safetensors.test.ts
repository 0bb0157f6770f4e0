import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UserError } from '../errors/index.js'
import { parseSafetensors, type SafetensorsDtype, serializeSafetensors, toFloat32 } from './safetensors.js'
import { BITS, complaint, example, fileOf, headerOf, someMetadata, someTensors } from './testing.js'

describe('parseSafetensors and serializeSafetensors', () => {
  it('give back what went in', () => {
    fc.assert(
      fc.property(someTensors, someMetadata, (tensors, metadata) => {
        const bytes = serializeSafetensors(tensors, metadata)
        const parsed = parseSafetensors(bytes)
        expect(Object.entries(parsed.metadata).sort()).toEqual(Object.entries(metadata).sort())
        expect(parsed.tensors.size).toBe(tensors.length)
        for (const { name, dtype, shape, data } of tensors) {
          const entry = parsed.tensors.get(name)!
          expect(entry).toEqual({ dtype, shape, bytes: data })
          expect(entry.bytes.byteOffset % Math.ceil(BITS[dtype] / 8)).toBe(0)
        }
        expect(serializeSafetensors(parsed.tensors, parsed.metadata)).toEqual(bytes)
        expect(serializeSafetensors(tensors.toReversed(), metadata)).toEqual(bytes)
      }),
      { numRuns: 200 },
    )
  })

  it("write the bytes of the reference's own test", () => {
    const data = new Float32Array([0, 1, 2, 3, 4, 5])
    const bytes = serializeSafetensors([{ name: 'attn.0', dtype: 'F32', shape: [1, 2, 3], data }])
    const header = '{"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}}'
    expect(bytes).toEqual(fileOf(header, new Uint8Array(data.buffer)))
    expect(bytes[0]).toBe(64)
  })

  it('pad the header with spaces to a multiple of 8 bytes', () => {
    const header = headerOf(
      serializeSafetensors([{ name: 'w', dtype: 'U8', shape: [1], data: new Uint8Array(1) }]),
    )
    expect(header).toBe('{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}   ')
  })

  it('put wide elements first, then go by name in the order of code points', () => {
    const names = ['b', '😀', 'ﬁ', 'a', '\ud7ff']
    const tensors = names.map((name) => ({ name, dtype: 'U8' as const, shape: [0], data: new Uint8Array(0) }))
    const bytes = serializeSafetensors([
      ...tensors,
      { name: 'z', dtype: 'F32', shape: [1], data: new Float32Array(1) },
      { name: 'y', dtype: 'BF16', shape: [1], data: new Uint16Array(1) },
      { name: 'x', dtype: 'I64', shape: [1], data: new BigInt64Array(1) },
    ])
    const order = [...headerOf(bytes).matchAll(/"([^"]+)":\{/g)].map((match) => match[1])
    expect(order).toEqual(['x', 'z', 'y', 'a', 'b', '\ud7ff', 'ﬁ', '😀'])
  })

  it('hand out views of the bytes, not copies, also from inside a larger buffer', () => {
    class Buffer extends Uint8Array {} // whose subarrays are Buffers, as in Node
    const larger = new Buffer(example.length + 5)
    larger.set(example, 3)
    const { tensors, metadata } = parseSafetensors(larger.subarray(3, 3 + example.length))
    const weight = tensors.get('weight')!
    expect(weight.bytes.buffer).toBe(larger.buffer)
    expect(weight.bytes.constructor).toBe(Uint8Array)
    expect([...toFloat32(weight)]).toEqual([1, 2, 3, 4, 5, 6])
    expect([...toFloat32(tensors.get('bias')!)]).toEqual([1, 0, -1])
    expect(metadata.format).toBe('pt')
    expect(metadata.toString).toBeUndefined()
  })

  it('read a file without tensors, and without metadata', () => {
    expect(parseSafetensors(fileOf('{}')).tensors.size).toBe(0)
    expect(parseSafetensors(fileOf('{"__metadata__":null}')).metadata).toEqual({})
    expect(serializeSafetensors([])).toEqual(fileOf('{}      '))
  })

  it('read tensors in any order, with fields they do not know', () => {
    const header = `{"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3],"note":[[1.5e3]]},
      "a":{"data_offsets":[0,2],"shape":[],"dtype":"F16"}}`
    const { tensors } = parseSafetensors(fileOf(header, new Uint8Array([0, 0x3c, 9])))
    expect([...tensors.keys()]).toEqual(['a', 'b'])
    expect([...toFloat32(tensors.get('a')!)]).toEqual([1])
  })
})

describe('parseSafetensors refuses, with the file, the key, the expected and the found,', () => {
  const four = new Uint8Array(4)
  const f32 = (shape: string, offsets: string) =>
    `{"w":{"dtype":"F32","shape":${shape},"data_offsets":${offsets}}}`
  const pair = (first: string, second: string) =>
    `{"a":{"dtype":"U8","shape":[2],"data_offsets":${first}},"b":{"dtype":"U8","shape":[2],"data_offsets":${second}}}`

  it.each<[string, Uint8Array, string]>([
    ['an empty file', new Uint8Array(0), 'header length: expected 8 bytes, found a file of 0'],
    [
      'a header longer than 100 MB',
      new Uint8Array([1, 0xe1, 0xf5, 5, 0, 0, 0, 0]),
      'header length: expected at most 100000000 bytes, found 100000001: this is not a safetensors file',
    ],
    [
      'another format',
      new TextEncoder().encode('version https://git-lfs.github.com/spec/v1'),
      'header length: expected at most 100000000 bytes',
    ],
    ['a header cut short', fileOf('{}').subarray(0, 9), 'header: expected 2 bytes after its length, found 1'],
    ['an empty header', fileOf(''), "header: expected JSON that starts with '{', found an empty header"],
    [
      'a header that starts with a space',
      fileOf(' {}'),
      "expected JSON that starts with '{', found byte 0x20",
    ],
    ['a list', fileOf('[]'), "header: expected JSON that starts with '{', found byte 0x5b"],
    ['broken JSON', fileOf('{"w":}'), 'header: expected valid JSON in UTF-8, found Unexpected token'],
    [
      'broken UTF-8',
      fileOf('{"w"}').fill(0xff, 10, 11),
      'expected valid JSON in UTF-8, found bytes that are not UTF-8',
    ],
    ['a tensor twice', fileOf('{"w":1, "\\u0077" :2}'), 'header key "w": expected it once, found it twice'],
    ['a field twice', fileOf('{"w":{"dtype":"F32","dtype":"F16"}}'), 'header key "dtype": expected it once'],
    [
      'metadata that is a list',
      fileOf('{"__metadata__":[]}'),
      '__metadata__: expected an object of strings, found an array',
    ],
    [
      'metadata that is a number',
      fileOf('{"__metadata__":{"step":10}}'),
      '__metadata__ key "step": expected a string, found 10',
    ],
    [
      'a tensor that is a number',
      fileOf('{"w":3}'),
      'tensor "w": expected an object with dtype, shape and data_offsets',
    ],
    ['a tensor of that name', fileOf('{"__proto__":null}'), 'tensor "__proto__": expected an object'],
    ['half a surrogate pair', fileOf('{"\\ud800":{}}'), 'tensor "\\ud800": expected a name in Unicode'],
    ['no dtype', fileOf('{"w":{}}'), 'tensor "w" dtype: expected one of BOOL, F4,'],
    ['an unknown dtype', fileOf('{"w":{"dtype":"toString"}}'), ', found "toString"'],
    [
      'no shape',
      fileOf('{"w":{"dtype":"F32"}}'),
      'tensor "w" shape: expected an array of whole numbers, found nothing',
    ],
    [
      'a negative size',
      fileOf(f32('[-1]', '[0,4]'), four),
      'tensor "w" shape: expected an array of whole numbers, found [-1]',
    ],
    ['minus nothing', fileOf(f32('[1,-0]', '[0,0]')), 'tensor "w" shape: expected'],
    ['half a size', fileOf(f32('[1,0.5]', '[0,4]'), four), 'found [1, 0.5]'],
    ['a size as text', fileOf(f32('["1"]', '[0,4]'), four), 'found ["1"]'],
    ['an unsafe size', fileOf(f32('[9007199254740993]', '[0,4]'), four), 'found [9007199254740992]'],
    ['nested sizes', fileOf(f32('[[1]]', '[0,4]'), four), 'found [an array of 1]'],
    [
      'too many elements to count',
      fileOf(f32('[94906267,94906267]', '[0,4]'), four),
      'tensor "w" data_offsets: expected a whole, safe number of bytes for F32 [94906267, 94906267], found 4',
    ],
    [
      'half a byte',
      fileOf('{"w":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}', new Uint8Array(2)),
      'expected a whole, safe number of bytes for F4 [3], found 2',
    ],
    [
      'one offset',
      fileOf(f32('[1]', '[0]'), four),
      'tensor "w" data_offsets: expected [begin, end] in bytes, found [0]',
    ],
    ['three offsets', fileOf(f32('[1]', '[0,4,8]'), four), 'expected [begin, end] in bytes, found [0, 4, 8]'],
    [
      'offsets backwards',
      fileOf(f32('[1]', '[4,0]'), four),
      'expected a begin not after the end, found [4, 0]',
    ],
    [
      'a wrong size',
      fileOf(f32('[2,3]', '[0,4]'), four),
      'tensor "w" data_offsets: expected 24 bytes for F32 [2, 3], found 4',
    ],
    [
      'data cut short',
      fileOf(f32('[2]', '[0,8]'), four),
      'tensor "w": expected data up to byte 8, found only 4 bytes of data in the file',
    ],
    [
      'data left over',
      fileOf(f32('[1]', '[0,4]'), new Uint8Array(6)),
      'data: expected 4 bytes, the end of the last tensor, found 6',
    ],
    ['data of no tensor', fileOf('{}', four), 'data: expected 0 bytes, the end of the last tensor, found 4'],
    [
      'a hole',
      fileOf(pair('[0,2]', '[3,5]'), new Uint8Array(5)),
      'tensor "b" data_offsets: expected a begin of 2, found 3: there is a hole before it',
    ],
    [
      'a hole at the start',
      fileOf(f32('[1]', '[4,8]'), new Uint8Array(8)),
      'expected a begin of 0, found 4: there is a hole',
    ],
    [
      'an overlap',
      fileOf(pair('[0,2]', '[1,3]'), new Uint8Array(3)),
      'tensor "b" data_offsets: expected a begin of 2, found 1: it overlaps the tensor before it',
    ],
    ['the same bytes twice', fileOf(pair('[0,2]', '[0,2]'), new Uint8Array(2)), 'found 0: it overlaps'],
  ])('%s', (_, bytes, expected) => {
    const error = complaint(bytes)
    expect(error?.message).toMatch(/^model\.safetensors: .+: expected .+, found .+/)
    expect(error?.message).toContain(expected)
  })

  it('JSON nested without end, and names without end', () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000)
    expect(complaint(fileOf(`{"w":${deep}}`))?.message.length).toBeLessThan(300)
    expect(complaint(fileOf(`{"${'w'.repeat(1e6)}":{"dtype":${deep}}}`))?.message.length).toBeLessThan(500)
    expect(complaint(fileOf(`{"__metadata__":{"a":"${'\\"'.repeat(1e6)}"}}`))).toBeUndefined()
  })

  it('a file cut at any length, and says so', () => {
    for (let length = 0; length < example.length; length++) {
      expect(complaint(example.subarray(0, length))?.remedy, `${length} bytes`).toMatch('cut short')
    }
    expect(complaint(example)).toBeUndefined()
  })

  it('whatever bytes there are, and never with any other error', () => {
    const headers = fc.oneof(
      fc.json(),
      fc.string().map((text) => `{${text}`),
      fc
        .dictionary(
          fc.constantFrom('w', '__metadata__', '__proto__'),
          fc.record(
            {
              dtype: fc.oneof(fc.constantFrom('F32', 'U8', 'F4'), fc.jsonValue()),
              shape: fc.oneof(fc.array(fc.integer({ min: -1, max: 3 })), fc.jsonValue()),
              data_offsets: fc.oneof(fc.tuple(fc.nat(9), fc.nat(9)), fc.jsonValue()),
            },
            { requiredKeys: [] },
          ),
        )
        .map((header) => JSON.stringify(header)),
    )
    const files = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(headers, fc.uint8Array({ maxLength: 16 })).map(([header, data]) => fileOf(header, data)),
    )
    const read = fc.property(files, (bytes) => void complaint(bytes))
    expect(() => fc.assert(read, { numRuns: 2000 })).not.toThrow()
  })

  it('a mutated file, or reads one that is consistent', () => {
    const position = fc.nat(example.length - 1)
    const mutation = fc.record({ at: position, remove: fc.nat(3), insert: fc.uint8Array({ maxLength: 3 }) })
    let read = 0
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        let bytes: Uint8Array = example
        for (const { at, remove, insert } of mutations) {
          bytes = Uint8Array.from([...bytes.subarray(0, at), ...insert, ...bytes.subarray(at + remove)])
        }
        if (complaint(bytes)) return
        read++
        for (const { dtype, shape, bytes: data } of parseSafetensors(bytes).tensors.values()) {
          expect(shape.reduce((product, size) => product * size, BITS[dtype])).toBe(data.length * 8)
        }
      }),
      { numRuns: 2000 },
    )
    expect(read).toBeGreaterThan(0)
  })
})

describe('serializeSafetensors refuses', () => {
  const tensor = { name: 'w', dtype: 'F32' as SafetensorsDtype, shape: [1], data: new Float32Array(1) }
  it.each<[string, () => unknown, string]>([
    [
      'too little data',
      () => serializeSafetensors([{ ...tensor, shape: [2] }]),
      'tensor "w" data: expected 8 bytes for F32 [2], found 4',
    ],
    ['an unknown dtype', () => serializeSafetensors([{ ...tensor, dtype: 'F31' as 'F32' }]), 'found "F31"'],
    ['half a size', () => serializeSafetensors([{ ...tensor, shape: [0.5, 2] }]), 'found [0.5, 2]'],
    [
      'a name twice',
      () => serializeSafetensors([tensor, tensor]),
      'tensor "w" name: expected it once, found it twice',
    ],
    [
      'the name of the metadata',
      () => serializeSafetensors([{ ...tensor, name: '__metadata__' }]),
      'expected another',
    ],
    [
      'half a surrogate pair',
      () => serializeSafetensors([{ ...tensor, name: 'a\udc00' }]),
      'half a surrogate pair',
    ],
    [
      'metadata that is no text',
      () => serializeSafetensors([], { a: 1 as unknown as string }),
      '__metadata__ key "a": expected a string, found 1',
    ],
    ['metadata with half a pair', () => serializeSafetensors([], { a: '\ud800' }), 'half a surrogate pair'],
  ])('%s', (_, attempt, expected) => {
    expect(attempt).toThrow(UserError)
    expect(attempt).toThrow(expected)
  })
})

describe('toFloat32', () => {
  it('rounds F64', () => {
    const values = [1.1, -1e300, 5e-324, Number.NaN, -0]
    const bytes = new Uint8Array(new Float64Array(values).buffer)
    expect([...toFloat32({ dtype: 'F64', shape: [5], bytes })]).toEqual(values.map(Math.fround))
  })

  it('copies F32, from any alignment', () => {
    const bytes = new Uint8Array(9)
    bytes.set(new Uint8Array(new Float32Array([1.5, Number.NEGATIVE_INFINITY]).buffer), 1)
    const values = toFloat32({ dtype: 'F32', shape: [2], bytes: bytes.subarray(1) })
    expect([...values]).toEqual([1.5, Number.NEGATIVE_INFINITY])
    expect(values.buffer).not.toBe(bytes.buffer)
  })

  const every16Bits = new Uint8Array(Uint16Array.from({ length: 65536 }, (_, bits) => bits).buffer)

  it('converts every F16 there is', () => {
    const values = toFloat32({ dtype: 'F16', shape: [65536], bytes: every16Bits })
    const expected = Float32Array.from({ length: 65536 }, (_, bits) => {
      const sign = bits & 0x8000 ? -1 : 1
      const exponent = (bits >> 10) & 31
      const fraction = (bits & 0x3ff) / 1024
      if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
      return sign * (exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15))
    })
    expect(values).toEqual(expected)
  })

  it('converts every BF16 there is', () => {
    const values = toFloat32({ dtype: 'BF16', shape: [65536], bytes: every16Bits })
    const bits = new Uint32Array(values.buffer)
    expect(bits.every((word, i) => word === i * 65536)).toBe(true)
  })

  it('refuses what is no float', () => {
    const attempt = () => toFloat32({ dtype: 'I64', shape: [1], bytes: new Uint8Array(8) }, 'tensor "step"')
    expect(attempt).toThrow('tensor "step": expected a dtype of F64, F32, F16 or BF16, found I64')
  })
})
