/**
 * safetensors: named tensors in one file that nothing can be executed from. Written and read as the reference
 * implementation does (huggingface/safetensors, `tensor.rs`), with every check it makes and a few it leaves to
 * the reader (duplicate keys, header that does not start with `{`).
 *
 *     8 bytes   length N of the header, unsigned, little-endian
 *     N bytes   {"__metadata__":{…},"NAME":{"dtype":"F32","shape":[2,3],"data_offsets":[begin,end]},…}, padded with spaces
 *     the rest  the tensors' bytes, little-endian, back to back; offsets count from here
 *
 * Bytes are taken as the machine's own order; every machine that runs JavaScript today is little-endian.
 */

import { UserError } from '../errors/index.js'
import { ofHalves } from '../tensor/index.js'

/**
 * Bits per element, in the reference's order of rising alignment: files hold the last of these first, so that
 * every tensor starts at a multiple of its element size.
 */
const BITS = {
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
} as const

export type SafetensorsDtype = keyof typeof BITS

/** One stored tensor. `bytes` is a view into the file's bytes, not a copy, and may be unaligned. */
export interface SafetensorsEntry {
  dtype: SafetensorsDtype
  shape: number[]
  bytes: Uint8Array
}

export interface SafetensorsFile {
  metadata: Record<string, string>
  /** In the order in which they lie in the file. */
  tensors: Map<string, SafetensorsEntry>
}

/** One tensor to be stored: `data` holds its elements in row-major order, in any kind of view. */
export interface SafetensorsTensor {
  name: string
  dtype: SafetensorsDtype
  shape: readonly number[]
  data: ArrayBufferView
}

/** Tensors to be stored: named ones in any order, or a map such as `parseSafetensors` gives. */
export type SafetensorsSource =
  | Map<string, SafetensorsEntry | Omit<SafetensorsTensor, 'name'>>
  | Iterable<SafetensorsTensor>

const LENGTH_BYTES = 8
const MAX_HEADER_BYTES = 100_000_000
const METADATA = '__metadata__'

/**
 * Reads a safetensors file. Whatever the bytes are, the answer is a file that is whole and consistent, or a
 * `UserError` that names `file`, the key, what was expected there and what was found.
 *
 *     const { tensors } = parseSafetensors(await readBytes('model.safetensors', 'model'), 'model.safetensors')
 *     toFloat32(tensors.get('out.weight')!)
 */
export function parseSafetensors(bytes: Uint8Array, file = 'safetensors data'): SafetensorsFile {
  const { header, dataStart } = readHeader(bytes, file)
  // A plain view, also of a Node Buffer (whose `slice` and `subarray` give Buffers).
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset + dataStart, bytes.byteLength - dataStart)

  let metadata: Record<string, string> = Object.create(null)
  const located: Located[] = []
  for (const [name, value] of Object.entries(header)) {
    if (name === METADATA) metadata = readMetadata(value, file)
    else located.push(readTensorInfo(name, value, data.length, file))
  }
  located.sort((a, b) => a.begin - b.begin || a.end - b.end)

  const tensors: SafetensorsFile['tensors'] = new Map()
  let cursor = 0
  for (const { name, dtype, shape, begin, end } of located) {
    if (begin !== cursor) {
      const trouble = begin < cursor ? 'it overlaps the tensor before it' : 'there is a hole before it'
      throw mismatch(file, tensorKey(name, 'data_offsets'), `a begin of ${cursor}`, `${begin}: ${trouble}`)
    }
    tensors.set(name, { dtype, shape, bytes: data.subarray(begin, end) })
    cursor = end
  }
  if (cursor !== data.length) {
    throw mismatch(file, 'data', `${cursor} bytes, the end of the last tensor`, `${data.length}`)
  }
  return { metadata, tensors }
}

/**
 * Writes a safetensors file, byte for byte as the reference does: tensors by falling alignment and then by name,
 * the header padded with spaces to a multiple of 8 bytes. The same tensors and metadata always give the same
 * bytes, whatever order they come in. (Metadata is sorted by key, where the reference's order is random; empty
 * metadata is left out.)
 *
 *     serializeSafetensors([{ name: 'w', dtype: 'F32', shape: [2, 2], data: new Float32Array(4) }], { step: '10' })
 *     serializeSafetensors(parseSafetensors(bytes).tensors)
 */
export function serializeSafetensors(
  tensors: SafetensorsSource,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const list = checkedTensors(tensors).sort(
    (a, b) => ALIGNMENT.indexOf(b.dtype) - ALIGNMENT.indexOf(a.dtype) || compareNames(a.name, b.name),
  )
  const entries: string[] = []
  if (Object.keys(metadata).length > 0) entries.push(`"${METADATA}":${metadataJson(metadata)}`)
  let dataBytes = 0
  for (const { name, dtype, shape, bytes } of list) {
    const data_offsets = [dataBytes, dataBytes + bytes.length]
    entries.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets })}`)
    dataBytes += bytes.length
  }

  const json = new TextEncoder().encode(`{${entries.join(',')}}`)
  const headerBytes = Math.ceil(json.length / LENGTH_BYTES) * LENGTH_BYTES
  if (headerBytes > MAX_HEADER_BYTES) {
    throw mismatch(WRITING, 'header', `at most ${MAX_HEADER_BYTES} bytes`, `${headerBytes}`)
  }
  const out = new Uint8Array(LENGTH_BYTES + headerBytes + dataBytes)
  new DataView(out.buffer).setUint32(0, headerBytes, true) // the high half of the length stays 0
  out.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes)
  out.set(json, LENGTH_BYTES)
  let offset = LENGTH_BYTES + headerBytes
  for (const { bytes } of list) {
    out.set(bytes, offset)
    offset += bytes.length
  }
  return out
}

/**
 * A new array with a floating-point tensor's values as float32, whatever precision it was stored in (float64 is
 * rounded). Anything but F64, F32, F16 and BF16 is an error, which calls the tensor `what`.
 */
export function toFloat32({ dtype, bytes }: SafetensorsEntry, what = 'tensor'): Float32Array<ArrayBuffer> {
  const { buffer } = new Uint8Array(bytes) // a copy, and so aligned
  switch (dtype) {
    case 'F64':
      return new Float32Array(new Float64Array(buffer))
    case 'F32':
      return new Float32Array(buffer)
    case 'F16':
      return ofHalves(new Uint16Array(buffer))
    case 'BF16': {
      // The upper halves of float32.
      const upper = new Uint16Array(buffer)
      const bits = new Uint32Array(upper.length)
      for (let i = 0; i < upper.length; i++) bits[i] = upper[i]! << 16
      return new Float32Array(bits.buffer)
    }
    default:
      throw new UserError(`${what}: expected a dtype of F64, F32, F16 or BF16, found ${dtype}`)
  }
}

// ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────

interface Located {
  name: string
  dtype: SafetensorsDtype
  shape: number[]
  begin: number
  end: number
}

function readHeader(bytes: Uint8Array, file: string): { header: JsonObject; dataStart: number } {
  if (bytes.length < LENGTH_BYTES) {
    throw mismatch(file, 'header length', `${LENGTH_BYTES} bytes`, `a file of ${bytes.length}`, CUT_SHORT)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true)
  if (length > MAX_HEADER_BYTES) {
    const found = `${length}: this is not a safetensors file`
    throw mismatch(file, 'header length', `at most ${MAX_HEADER_BYTES} bytes`, found)
  }
  const dataStart = LENGTH_BYTES + length
  if (dataStart > bytes.length) {
    const found = `${bytes.length - LENGTH_BYTES}`
    throw mismatch(file, 'header', `${length} bytes after its length`, found, CUT_SHORT)
  }
  if (length === 0 || bytes[LENGTH_BYTES] !== 0x7b) {
    const found = length === 0 ? 'an empty header' : `byte 0x${bytes[LENGTH_BYTES]?.toString(16)}`
    throw mismatch(file, 'header', "JSON that starts with '{'", found)
  }
  let text: string
  let header: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(LENGTH_BYTES, dataStart))
    header = JSON.parse(text)
  } catch (error) {
    const reason = error instanceof SyntaxError ? printable(error.message) : 'bytes that are not UTF-8'
    throw mismatch(file, 'header', 'valid JSON in UTF-8', reason)
  }
  const duplicate = duplicateKey(text)
  if (duplicate !== undefined) throw mismatch(file, `header key ${show(duplicate)}`, 'it once', 'it twice')
  return { header: header as JsonObject, dataStart } // an object, for it starts with '{'
}

/**
 * The first key that occurs twice in one object of `json`, which must be valid JSON. (`JSON.parse` keeps the last
 * of two equal keys and says nothing: two readers could then see different tensors in one file.)
 */
function duplicateKey(json: string): string | undefined {
  const open: Set<string>[] = []
  for (let i = 0; i < json.length; i++) {
    const char = json[i]
    if (char === '{' || char === '[') open.push(new Set())
    else if (char === '}' || char === ']') open.pop()
    else if (char === '"') {
      const start = i
      while (json[++i] !== '"') if (json[i] === '\\') i++
      let next = i + 1
      while (/\s/.test(json[next] ?? '')) next++
      if (json[next] !== ':') continue
      const key: string = JSON.parse(json.slice(start, i + 1))
      if (open.at(-1)?.has(key)) return key
      open.at(-1)?.add(key)
    }
  }
  return undefined
}

function readMetadata(value: unknown, file: string): Record<string, string> {
  const metadata: Record<string, string> = Object.create(null) // has no `__proto__` to fall into
  if (value === null) return metadata // as in the reference
  if (!isObject(value)) throw mismatch(file, METADATA, 'an object of strings', show(value))
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw mismatch(file, `${METADATA} key ${show(key)}`, 'a string', show(text))
    metadata[key] = text
  }
  return metadata
}

function readTensorInfo(name: string, info: unknown, dataBytes: number, file: string): Located {
  if (!isWellFormed(name)) throw mismatch(file, tensorKey(name), 'a name in Unicode', 'half a surrogate pair')
  if (!isObject(info)) {
    throw mismatch(file, tensorKey(name), 'an object with dtype, shape and data_offsets', show(info))
  }
  const { dtype, shape, data_offsets: offsets } = info
  if (!isDtype(dtype)) {
    throw mismatch(file, tensorKey(name, 'dtype'), `one of ${ALIGNMENT.join(', ')}`, show(dtype))
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    throw mismatch(file, tensorKey(name, 'shape'), 'an array of whole numbers', showSizes(shape))
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    throw mismatch(file, tensorKey(name, 'data_offsets'), '[begin, end] in bytes', showSizes(offsets))
  }
  const [begin, end] = offsets as [number, number]
  if (begin > end) {
    throw mismatch(file, tensorKey(name, 'data_offsets'), 'a begin not after the end', `[${begin}, ${end}]`)
  }
  const size = byteSize(dtype, shape)
  if (size !== end - begin) {
    const expected = describeSize(size, dtype, shape)
    throw mismatch(file, tensorKey(name, 'data_offsets'), expected, `${end - begin}`)
  }
  if (end > dataBytes) {
    const expected = `data up to byte ${end}`
    throw mismatch(file, tensorKey(name), expected, `only ${dataBytes} bytes of data in the file`, CUT_SHORT)
  }
  return { name, dtype, shape, begin, end }
}

// ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────

interface Checked {
  name: string
  dtype: SafetensorsDtype
  shape: readonly number[]
  bytes: Uint8Array
}

/** What is to be written, once it is known that a reader will accept it. */
function checkedTensors(tensors: SafetensorsSource): Checked[] {
  const named: Iterable<SafetensorsTensor | (SafetensorsEntry & { name: string })> =
    tensors instanceof Map ? Array.from(tensors, ([name, tensor]) => ({ ...tensor, name })) : tensors
  const list = new Map<string, Checked>()
  for (const tensor of named) {
    const { name, dtype, shape } = tensor
    const { buffer, byteOffset, byteLength } = 'bytes' in tensor ? tensor.bytes : tensor.data
    const fail = (field: string, expected: string, found: string) =>
      mismatch(WRITING, tensorKey(name, field), expected, found)
    if (name === METADATA) throw fail('name', 'another', 'the one that is kept for metadata')
    if (!isWellFormed(name)) throw fail('name', 'Unicode', 'half a surrogate pair')
    if (list.has(name)) throw fail('name', 'it once', 'it twice')
    if (!isDtype(dtype)) throw fail('dtype', `one of ${ALIGNMENT.join(', ')}`, show(dtype))
    if (!shape.every(isSize)) throw fail('shape', 'an array of whole numbers', showSizes(shape))
    const size = byteSize(dtype, shape)
    if (size !== byteLength) throw fail('data', describeSize(size, dtype, shape), `${byteLength}`)
    list.set(name, { name, dtype, shape, bytes: new Uint8Array(buffer, byteOffset, byteLength) })
  }
  return [...list.values()]
}

function metadataJson(metadata: Readonly<Record<string, string>>): string {
  const fields = Object.keys(metadata)
    .sort(compareNames)
    .map((key) => {
      const text: unknown = metadata[key]
      const where = `${METADATA} key ${show(key)}`
      if (typeof text !== 'string') throw mismatch(WRITING, where, 'a string', show(text))
      if (!isWellFormed(`${key} ${text}`)) throw mismatch(WRITING, where, 'Unicode', 'half a surrogate pair')
      return `${JSON.stringify(key)}:${JSON.stringify(text)}`
    })
  return `{${fields.join(',')}}`
}

/** By code points, as Rust orders strings. (JavaScript's `<` goes by UTF-16 units: it puts 😀 before ﬁ.) */
function compareNames(a: string, b: string): number {
  const shared = Math.min(a.length, b.length)
  let i = 0
  while (i < shared && a[i] === b[i]) i++
  if (i === shared) return a.length - b.length
  return codeUnitRank(a.charCodeAt(i)) - codeUnitRank(b.charCodeAt(i))
}

const codeUnitRank = (unit: number) => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)

// ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────

/** The bytes a tensor takes; NaN if that is no whole number of bytes, or too many to count exactly. */
function byteSize(dtype: SafetensorsDtype, shape: readonly number[]): number {
  let product = 1
  for (const size of [...shape, BITS[dtype]]) {
    product *= size
    if (!Number.isSafeInteger(product)) return Number.NaN
  }
  return product % 8 === 0 ? product / 8 : Number.NaN
}

const describeSize = (size: number, dtype: SafetensorsDtype, shape: readonly number[]) =>
  `${Number.isNaN(size) ? 'a whole, safe number of' : size} bytes for ${dtype} ${showSizes(shape)}`

// ── Checks and messages ───────────────────────────────────────────────────────────────────────────────────────

type JsonObject = Record<string, unknown>

const ALIGNMENT = Object.keys(BITS) as SafetensorsDtype[]
const WRITING = 'safetensors to be written'
const CUT_SHORT = 'The file was cut short: copy or download it again.'

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isDtype = (value: unknown): value is SafetensorsDtype =>
  typeof value === 'string' && Object.hasOwn(BITS, value)
const isSize = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0)
const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text)

const mismatch = (file: string, key: string, expected: string, found: string, remedy?: string) =>
  new UserError(
    `${file}: ${key}: expected ${expected}, found ${found}`,
    remedy === undefined ? {} : { remedy },
  )

const tensorKey = (name: string, field?: string) => `tensor ${show(name)}${field ? ` ${field}` : ''}`

/** A value from a header, short enough for a message and never walked into: it may be nested without end. */
function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 79)}…` : value)
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (isObject(value)) return 'an object'
  return value === undefined ? 'nothing' : String(value)
}

function showSizes(value: unknown): string {
  if (!Array.isArray(value)) return show(value)
  return `[${value.slice(0, 16).map(show).join(', ')}${value.length > 16 ? ', …' : ''}]`
}

const printable = (text: string) => text.replace(/\p{C}+/gu, ' ')
