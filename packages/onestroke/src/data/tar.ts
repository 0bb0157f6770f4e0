/** WebDataset archives: the members of a sample share their name up to the first dot. */
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { posix } from 'node:path'
import { PassThrough, pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { UserError } from '@onestroke/core/formats'
import { createTarDecoder, type TarHeader } from 'modern-tar'
import { parseJson, pictureFacts, textOf, tidyCaption } from './captions.js'
import { Collector } from './collector.js'
import { byCodeUnit, type DataOptions, type Dataset, sealed } from './dataset.js'
import { DECODERS, decode, MAX_FILE_BYTES, PICTURE_EXTENSIONS } from './decode.js'
import { inOrder } from './in-order.js'

const TEXTS = new Set(['txt', 'cls', 'json'])
/** More classes than this are a mistake: a label that is no class. */
const MAX_LABEL = 65_535

/** What an archive says about a sample, beside its picture. */
interface Facts {
  caption?: string
  label?: number | string
}

interface Member {
  name: string
  /** What the members of a sample have in common. */
  sample: string
  extension: string
  content: { bytes: Uint8Array } | { reason: string }
}

/**
 * Reads a WebDataset archive, plain or gzipped, in one go: `0001.png` (or .jpg, .webp, …) is a picture,
 * `0001.txt` its caption, `0001.cls` its class, `0001.json` may hold `caption` or `text`, and `label`. Members of
 * other kinds are passed over; pictures among them (`0001.mask.png`) are named where a sample has no other, and so are links.
 * Where some pictures have captions, those without get the empty one. Pictures are sorted by the name of their sample.
 *
 * @throws UserError if the archive is truncated or damaged, holds no readable pictures, labels only some of them, or
 * if the pictures have no common square size and no resolution is given.
 */
export const loadTar = async (file: string, name: string, options: DataOptions = {}): Promise<Dataset> => {
  const { limit = Number.POSITIVE_INFINITY, onProgress } = options
  const source = new Archive(file)
  const collector = new Collector(file, options)
  const facts = new Map<string, Facts>()
  const samples = new Set<string>()
  /** Pictures that are a part of a sample (`0001.mask.png`): named where it has no other. */
  const parts = new Map<string, Member>()

  const pictures = async function* () {
    for await (const member of source.members()) {
      const { name, sample, extension, content } = member
      if (TEXTS.has(extension)) {
        if ('reason' in content) collector.skip(name, content.reason)
        else facts.set(sample, { ...facts.get(sample), ...factsIn(member, content.bytes, file) })
      } else if (!PICTURE_EXTENSIONS.has(extension)) parts.set(sample, member)
      else if (!samples.has(sample) && samples.size < limit) {
        samples.add(sample)
        yield member
      }
    }
  }
  const outcomes = inOrder(pictures(), DECODERS, async ({ sample, content }) => ({
    sample,
    outcome: 'bytes' in content ? await decode(async () => content.bytes, options) : content,
  }))
  for await (const { sample, outcome } of outcomes) {
    collector.add(sample, outcome)
    onProgress?.(collector.seen, Math.max(collector.seen, Math.round(collector.seen / source.progress)))
  }
  for (const [sample, { name, content }] of parts)
    if (!samples.has(sample) && samples.size < limit && 'reason' in content)
      collector.skip(name, content.reason)
  onProgress?.(collector.seen, collector.seen)

  const { files, ...collected } = collector.finish()
  return sealed({ name, ...collected, ...captionsOf(files, facts), ...labelsOf(files, facts, file) })
}

class Archive {
  #size = 1
  #read = 0

  constructor(readonly file: string) {}

  /** The share of the file that has been read, in (0, 1]. */
  get progress(): number {
    return Math.min(1, Math.max(this.#read, 1) / this.#size)
  }

  /** Members that may matter, in the order of the archive. */
  async *members(): AsyncGenerator<Member> {
    let last = 'the start'
    try {
      for await (const { header, body } of await this.#entries()) {
        const base = posix.basename(header.name)
        const dot = base.indexOf('.')
        const extension = base.slice(dot + 1).toLowerCase()
        const ending = extension.slice(extension.lastIndexOf('.') + 1)
        const matters =
          dot > 0 &&
          (header.type === 'file' || LINKS.has(header.type)) &&
          (TEXTS.has(extension) || PICTURE_EXTENSIONS.has(ending))
        const reason = matters && trouble(header, extension !== ending)
        last = header.name
        const content = matters && !reason ? { bytes: await readAll(body) } : { reason: reason || '' }
        if ('reason' in content) await body.cancel()
        const sample = posix.join(posix.dirname(header.name), base.slice(0, dot))
        if (matters) yield { name: header.name, sample, extension, content }
      }
    } catch (error) {
      throw error instanceof UserError ? error : explain(error as NodeJS.ErrnoException, this.file, last)
    }
  }

  async #entries() {
    this.#size = (await stat(this.file)).size
    if (this.#size === 0) throw new UserError(`${this.file} is empty`)
    const unpack = (await isGzip(this.file)) ? createGunzip() : new PassThrough()
    const stored = createReadStream(this.file)
    const unpacked = pipeline(stored, unpack, () => {}) // errors come out at its end
    stored.on('data', (chunk) => {
      this.#read += chunk.length
    })
    const bytes = Readable.toWeb(unpacked) as ReadableStream<Uint8Array>
    return bytes.pipeThrough(createTarDecoder({ strict: true }))
  }
}

const LINKS = new Set<string | undefined>(['link', 'symlink'])

/** Why a member cannot be taken, if that can be told before it is read. */
const trouble = ({ type, size }: TarHeader, secondDot: boolean): string | undefined => {
  if (LINKS.has(type)) return 'a link, and links are not followed in archives'
  if (secondDot) return 'the second dot of its name makes it a part of a sample, as WebDataset has it'
  return size > MAX_FILE_BYTES ? `larger than ${MAX_FILE_BYTES / 2 ** 20} MiB` : undefined
}

const isGzip = async (file: string): Promise<boolean> => {
  const handle = await open(file)
  try {
    const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0)
    return buffer[0] === 0x1f && buffer[1] === 0x8b
  } finally {
    await handle.close()
  }
}

const readAll = async (body: ReadableStream<Uint8Array>): Promise<Uint8Array> =>
  new Uint8Array(await new Response(body).arrayBuffer())

const explain = (cause: NodeJS.ErrnoException, file: string, last: string): UserError => {
  const { message, code } = cause
  if (/Invalid EOF/.test(message))
    return new UserError(`${file} goes on after its end, behind ${last}: several archives in one`, {
      cause,
      remedy: 'unpack them into a folder, or pack them anew',
    })
  if (/number too large/.test(message))
    return new UserError(`${file} has a date or a size after ${last} that is not understood`, {
      cause,
      remedy: 'pack it with --format=pax',
    })
  if (/truncated|unexpected end/i.test(message))
    return new UserError(`${file} is truncated: it breaks off after ${last}`, { cause })
  if (code?.startsWith('E')) return new UserError(`cannot read ${file}: ${code}`, { cause })
  return new UserError(`${file} is not a tar archive, or damaged after ${last}: ${message}`, { cause })
}

const factsIn = ({ name, extension }: Member, bytes: Uint8Array, file: string): Facts => {
  const text = textOf(bytes, `${file}: ${name}`)
  if (extension === 'txt') return tidy({ caption: tidyCaption(text) })
  if (extension === 'cls') {
    if (!/^\s*\d+\s*$/.test(text))
      throw new UserError(
        `${file}: ${name} must hold a class, 0, 1, …, but holds "${text.slice(0, 40).trim()}"`,
      )
    return { label: Number(text) }
  }
  const { data } = pictureFacts.safeParse(parseJson(text))
  if (!data)
    throw new UserError(
      `${file}: ${name} must hold {"caption": "…", "label": …}, but holds ${text.slice(0, 60)}`,
    )
  return tidy({
    caption: tidyCaption(data.caption) ?? tidyCaption(data.text),
    label: typeof data.label === 'string' ? tidyCaption(data.label) : (data.label ?? undefined),
  })
}

const tidy = ({
  caption,
  label,
}: {
  caption?: string | undefined
  label?: number | string | undefined
}): Facts => ({
  ...(caption !== undefined && { caption }),
  ...(label !== undefined && { label }),
})

const captionsOf = (samples: readonly string[], facts: ReadonlyMap<string, Facts>): { names?: string[] } => {
  const names = samples.map((sample) => facts.get(sample)?.caption ?? '')
  return names.some((name) => name !== '') ? { names } : {}
}

/** Integers are classes '0', '1', … up to the highest; if any label is a text, all are. */
const labelsOf = (
  samples: readonly string[],
  facts: ReadonlyMap<string, Facts>,
  file: string,
): { classes?: string[]; labels?: Int32Array } => {
  const found = samples.map((sample) => facts.get(sample)?.label)
  if (found.every((label) => label === undefined)) return {}
  for (const [i, label] of found.entries()) {
    if (label === undefined)
      throw new UserError(`${file}: ${samples[i]} has no class, though other pictures have one`)
    if (typeof label === 'number' && (label < 0 || label > MAX_LABEL))
      throw new UserError(`${file}: ${samples[i]} has the class ${label}; expected 0 to ${MAX_LABEL}`)
  }
  const numbers = found.filter((label) => typeof label === 'number')
  const classes =
    numbers.length === found.length
      ? Array.from({ length: numbers.reduce((a, b) => Math.max(a, b), 0) + 1 }, (_, label) => `${label}`)
      : [...new Set(found.map(String))].sort(byCodeUnit)
  const index = new Map(classes.map((name, i) => [name, i]))
  return { classes, labels: Int32Array.from(found, (label) => index.get(String(label))!) }
}
