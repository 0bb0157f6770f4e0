/** The IDX file format of MNIST, for unsigned bytes, as it is or gzipped. */
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { constants, createGunzip } from 'node:zlib'
import { UserError } from '@onestroke/core/errors'
import { MAX_BYTES } from './dataset.js'
import { cannotRead } from './text.js'

/** An array of unsigned bytes. */
export interface Idx {
  shape: number[]
  data: Uint8Array
}

/**
 * Reads an IDX file of unsigned bytes: 0, 0, 8 (the type), the number of dimensions, the dimensions as big-endian
 * 32-bit integers, the data.
 *
 * @throws UserError that names the file, what was expected and what was found.
 */
export const parseIdx = (bytes: Uint8Array, file: string, dimensions: number): Idx => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const header = 4 + 4 * dimensions
  if (bytes.length >= 4) {
    const expected = 0x800 + dimensions
    const found = view.getUint32(0)
    if (found !== expected)
      throw new UserError(`${file}: expected the magic number ${hex(expected)}, found ${hex(found)}`)
  }
  if (bytes.length < header) throw wrongLength(file, header, bytes.length)
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i))
  const expected = header + shape.reduce((product, size) => product * size, 1)
  if (bytes.length !== expected) throw wrongLength(file, expected, bytes.length)
  return { shape, data: bytes.subarray(header) }
}

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`

const wrongLength = (file: string, expected: number, found: number): UserError =>
  new UserError(
    `${file} ${found < expected ? 'is truncated' : 'is too long'}: expected ${expected} bytes, found ${found}`,
  )

/**
 * Reads an IDX file, as it is or gzipped.
 *
 * @throws UserError that names the file, what was expected and what was found.
 */
export const readIdx = async (file: string, dimensions: number): Promise<Idx & { file: string }> => {
  const stored = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw cannotRead(file, cause)
  })
  return { file, ...parseIdx(await unpacked(stored, file, dimensions), file, dimensions) }
}

/**
 * Unpacks a gzipped file. From a truncated file it returns what is there. It stops a little behind the length that the
 * header tells, or at once where that is too much, because a few megabytes may unpack to gigabytes.
 */
const unpacked = async (stored: Uint8Array, file: string, dimensions: number): Promise<Uint8Array> => {
  const isGzip = stored[0] === 0x1f && stored[1] === 0x8b
  if (!isGzip && file.endsWith('.gz')) {
    const start = Array.from(stored.subarray(0, 2), (byte) => byte.toString(16).padStart(2, '0')).join(' ')
    throw new UserError(`${file} is not gzip: expected it to begin with 1f 8b, found ${start || 'nothing'}`, {
      remedy: 'if it is unpacked already, drop .gz from its name',
    })
  }
  if (!isGzip) return stored
  const chunks: Uint8Array[] = []
  let length = 0
  let most = MAX_BYTES
  try {
    const source = Readable.from([stored])
    for await (const chunk of source.pipe(createGunzip({ finishFlush: constants.Z_SYNC_FLUSH }))) {
      chunks.push(chunk)
      length += chunk.length
      if (chunks.length === 1) most = lengthOf(chunk, dimensions)
      if (most > MAX_BYTES || length > most) break
    }
  } catch (cause) {
    throw new UserError(`${file} is damaged: ${(cause as Error).message}`, { cause })
  }
  if (most > MAX_BYTES || length > MAX_BYTES)
    throw new UserError(`${file} is too large to hold in memory: more than 4 GiB when unpacked`)
  return Buffer.concat(chunks, length)
}

/** Bytes of a file that begins so, by its header; the header's own length if that is not understood. */
const lengthOf = (start: Uint8Array, dimensions: number): number => {
  const header = 4 + 4 * dimensions
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength)
  if (start.length < header || view.getUint32(0) !== 0x800 + dimensions) return header
  const sizes = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i))
  return header + sizes.reduce((product, size) => product * size, 1)
}
