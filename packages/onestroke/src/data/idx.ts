/** The IDX file format of MNIST, for unsigned bytes, as it is or gzipped. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { constants, gunzip } from 'node:zlib'
import { UserError } from '@onestroke/core/formats'
import { MAX_BYTES } from './dataset.js'

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
 * Reads NAME or NAME.gz; undefined if there is neither.
 *
 * @throws UserError that names the file, what was expected and what was found.
 */
export const readIdx = async (
  directory: string,
  name: string,
  dimensions: number,
): Promise<(Idx & { file: string }) | undefined> => {
  for (const file of [name, `${name}.gz`].map((one) => join(directory, one))) {
    const stored = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return undefined
      throw new UserError(`cannot read ${file}: ${cause.code ?? cause.message}`, { cause })
    })
    if (stored) return { file, ...parseIdx(await unpacked(stored, file), file, dimensions) }
  }
  return undefined
}

/** What a gzipped file holds, as far as it goes: if it is truncated, so is what comes back. */
const unpacked = async (stored: Uint8Array, file: string): Promise<Uint8Array> => {
  const isGzip = stored[0] === 0x1f && stored[1] === 0x8b
  if (!isGzip && file.endsWith('.gz')) {
    const start = Array.from(stored.subarray(0, 2), (byte) => byte.toString(16).padStart(2, '0')).join(' ')
    throw new UserError(`${file} is not gzip: expected it to begin with 1f 8b, found ${start || 'nothing'}`, {
      remedy: 'if it is unpacked already, drop .gz from its name',
    })
  }
  if (!isGzip) return stored
  try {
    const limits = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MAX_BYTES }
    return await promisify(gunzip)(stored, limits)
  } catch (cause) {
    throw new UserError(`${file} is damaged: ${(cause as Error).message}`, { cause })
  }
}
