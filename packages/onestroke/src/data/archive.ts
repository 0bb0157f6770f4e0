/** Reads the members of a tar archive, plain or gzipped, one after the other. */
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { PassThrough, pipeline, Transform } from 'node:stream'
import { ReadableStream as NodeStream } from 'node:stream/web'
import { createGunzip } from 'node:zlib'
import { UserError } from '@onestroke/core/errors'
import { createTarDecoder, type TarHeader } from 'modern-tar'
import { systemReason } from '../formats/index.js'

export interface Entry {
  header: TarHeader
  /** Reads the content. Must be called before the next entry is asked for, or not at all. */
  read(): Promise<Uint8Array>
}

export class Archive {
  #size = 1
  #read = 0

  constructor(readonly file: string) {}

  /** The share of the file that has been read, in (0, 1]. */
  get progress(): number {
    return Math.min(1, Math.max(this.#read, 1) / this.#size)
  }

  /** @throws UserError if the archive is truncated or damaged, or none. */
  async *entries(): AsyncGenerator<Entry> {
    let last = 'the start'
    try {
      for await (const { header, body } of await this.#decoded()) {
        last = header.name
        let read = false
        yield {
          header,
          read: () => {
            read = true
            return contentOf(body, header.size).catch((cause) => {
              throw explain(cause, this.file, header.name)
            })
          },
        }
        // Cancelling it would be shorter, but modern-tar (0.8.6) may then wait for ever.
        if (!read) await passOver(body)
      }
    } catch (error) {
      throw error instanceof UserError ? error : explain(error as NodeJS.ErrnoException, this.file, last)
    }
  }

  async #decoded() {
    const found = await stat(this.file)
    // What waits for other processes, as a named pipe, would never end.
    if (!found.isFile()) throw new UserError(`${this.file} is not a file`)
    this.#size = found.size
    if (this.#size === 0) throw new UserError(`${this.file} is empty`)
    const start = await startOf(this.file)
    refuseOthers(this.file, start)
    const isGzip = start[0] === 0x1f && start[1] === 0x8b
    const stored = createReadStream(this.file)
    // Errors come out at its end.
    const unpacked = pipeline(stored, isGzip ? createGunzip() : new PassThrough(), endBlocks(), () => {})
    stored.on('data', (chunk) => {
      this.#read += chunk.length
    })
    // Not Readable.toWeb: where a reader leaves early, it throws an error that nobody can catch.
    const bytes = NodeStream.from(unpacked) as ReadableStream<Uint8Array>
    return bytes.pipeThrough(createTarDecoder({ strict: true }))
  }
}

/**
 * Adds the two empty blocks that end an archive: some writers leave them out, and more of them do no harm. They cannot
 * complete an archive that breaks off within a member, because both of them must be left at its end.
 */
const endBlocks = (): Transform => {
  let length = 0
  return new Transform({
    transform(chunk: Uint8Array, _, done) {
      length += chunk.length
      done(null, chunk)
    },
    flush(done) {
      done(null, length > 0 && length % 512 === 0 ? Buffer.alloc(1024) : null)
    },
  })
}

/**
 * Reads a body of a known length, into memory of that length: chunks that are put together in the end take twice as much. A header
 * may promise more than comes, but memory that nothing is written to is none.
 */
const contentOf = async (body: ReadableStream<Uint8Array>, size: number): Promise<Uint8Array> => {
  const content = Buffer.alloc(size)
  let length = 0
  for await (const chunk of body) {
    content.set(chunk, length)
    length += chunk.length
  }
  if (length !== size) throw new Error('truncated')
  return content
}

const passOver = async (body: ReadableStream<Uint8Array>): Promise<void> => {
  for await (const _ of body);
}

const startOf = async (file: string): Promise<Uint8Array> => {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** First bytes of other formats that are mistaken for tar archives, and what to do with them. */
const OTHERS: readonly { start: RegExp; is: string; remedy: string }[] = [
  { start: /^BZh/, is: 'is compressed with bzip2', remedy: 'unpack it: bunzip2 FILE' },
  { start: /^\xfd7zXZ/, is: 'is compressed with xz', remedy: 'unpack it: unxz FILE' },
  { start: /^\(\xb5\/\xfd/, is: 'is compressed with zstd', remedy: 'unpack it: unzstd FILE' },
  { start: /^PK/, is: 'is a zip archive', remedy: 'unpack it into a folder, and name that' },
  { start: /^7z\xbc\xaf/, is: 'is a 7z archive', remedy: 'unpack it into a folder, and name that' },
  { start: /^Rar!/, is: 'is a rar archive', remedy: 'unpack it into a folder, and name that' },
  { start: /^\s*<(!doctype|html)/i, is: 'is a web page, not an archive', remedy: 'download it again' },
  {
    start: /^version https:\/\/git-lfs/,
    is: 'is a pointer of Git LFS',
    remedy: 'get the file: git lfs pull',
  },
]

const refuseOthers = (file: string, start: Uint8Array): void => {
  const text = Buffer.from(start).toString('latin1')
  const other = OTHERS.find((one) => one.start.test(text))
  if (other) throw new UserError(`${file} ${other.is}`, { remedy: other.remedy })
}

const explain = (cause: NodeJS.ErrnoException, file: string, last: string): UserError => {
  const { message, code } = cause
  if (/Invalid EOF/.test(message))
    return new UserError(`${file} goes on after its end, behind ${last}: several archives in one`, {
      cause,
      remedy: 'name the archives themselves, as tar:FILE,FILE',
    })
  if (/number too large/.test(message))
    return new UserError(`${file} has a date or a size after ${last} that is not understood`, {
      cause,
      remedy: 'pack it with --format=pax',
    })
  if (/truncated|unexpected end/i.test(message))
    return new UserError(`${file} is truncated: it breaks off after ${last}`, { cause })
  if (code?.startsWith('E'))
    return new UserError(`cannot read ${file}: ${systemReason(cause) ?? code}`, { cause })
  return new UserError(`${file} is not a tar archive, or damaged after ${last}: ${message}`, { cause })
}
