/** WebDataset archives: the members of a sample share their name up to the first dot. */
import { posix } from 'node:path'
import { UserError } from '@onestroke/core/errors'
import type { TarHeader } from 'modern-tar'
import { Archive, type Entry } from './archive.js'
import { Collector } from './collector.js'
import { bothSaid, fewCaptions } from './condition.js'
import { type Dataset, type LoadOptions, sealed } from './dataset.js'
import { DECODERS, MAX_FILE_BYTES, type Outcome } from './decode.js'
import { decodeForeign } from './drawing.js'
import { type Facts, factsOfDocument, fieldsOf, isClass, MAX_LABEL } from './facts.js'
import { inOrder } from './in-order.js'
import { classesOf } from './labels.js'
import { isPictureName } from './picture-name.js'
import { Remarks } from './remarks.js'
import { MAX_TEXT_BYTES, parseJson, textOf, tidyCaption } from './text.js'
import { isDocument, whyUnread } from './unread.js'

const TEXTS = new Set(['txt', 'caption', 'cls', 'json'])
const LINKS = new Set<string | undefined>(['link', 'symlink'])

interface Member {
  name: string
  /** What the members of a sample share. */
  sample: string
  /** The part of the name behind its first dot, in lower case: `png`, `mask.png`. */
  extension: string
  /** The part of a picture's name between its first and last dot: `mask`. Empty if there is only one dot. */
  part: string
}

/**
 * Reads WebDataset archives, plain or gzipped, in one go: `0001.png` (or .jpg, .webp, …) is a picture,
 * `0001.txt` its caption, `0001.cls` its class, `0001.json` may hold `caption` or `text`, and `label`. Pictures with
 * a second dot (`0001.mask.png`) are parts of a sample: the chosen one is taken, or the only one that there is; else
 * they are named where a sample has no other picture, and so are links.
 * Where some pictures have captions, those without get the empty one. Pictures are sorted by archive and sample.
 *
 * @throws UserError if an archive is truncated or damaged, holds no readable pictures, labels only some of them, or
 * if the pictures have no common size and no resolution is given.
 */
export const loadTar = async (
  files: readonly string[],
  name: string,
  options: LoadOptions = {},
): Promise<Dataset> => {
  const samples = new Samples(files, options)
  for await (const { sample, outcome } of inOrder(samples.pictures(), DECODERS, (work) => work())) {
    samples.collector.add(sample, outcome)
    samples.report()
  }
  const parts = samples.partsWithoutPicture()
  if (samples.taken.size > 0 || parts.size === 0) return samples.finish(name)
  const [only, ...others] = parts.keys()
  if (options.part !== undefined || others.length > 0) throw noPicture(files, options.part, parts)
  const dataset = await loadTar(files, name, { ...options, part: only! })
  return { ...dataset, warnings: [`the pictures are those called NAME.${only}`, ...dataset.warnings!] }
}

/** What archives hold, as it is read. */
class Samples {
  readonly collector: Collector
  /** Samples whose picture is taken. */
  readonly taken = new Set<string>()
  readonly #facts = new Map<string, Facts>()
  readonly #sources = { caption: new Set<string>(), label: new Set<string>() }
  /** Pictures that are a part of a sample (`0001.mask.png`), by sample. */
  readonly #parts = new Map<string, Member[]>()
  /** JSON documents without a fact, by sample. */
  readonly #notUnderstood = new Map<string, string>()
  /** Samples that have several captions. */
  readonly #competing = new Set<string>()
  readonly #remarks = new Remarks()
  #progress = 0

  constructor(
    readonly files: readonly string[],
    readonly options: LoadOptions,
  ) {
    this.collector = new Collector(files.length === 1 ? files[0]! : `${files.length} archives`, options)
  }

  /** The pictures, as work to be done. */
  async *pictures(): AsyncGenerator<() => Promise<{ sample: string; outcome: Outcome }>> {
    for (const [i, file] of this.files.entries()) {
      const archive = new Archive(file)
      for await (const entry of archive.entries()) {
        this.#progress = (i + archive.progress) / this.files.length
        const picture = await this.#picture(entry, file)
        if (picture) yield picture
      }
    }
  }

  report(): void {
    const { seen } = this.collector
    this.options.onProgress?.(seen, Math.max(seen, Math.round(seen / this.#progress)))
  }

  /** Adds an entry's facts. Returns the work that is left if it is a picture. */
  async #picture({ header, read }: Entry, file: string) {
    const member = memberOf(header, this.files.length > 1 ? `${file}/` : '')
    if (!member) return undefined
    const { name, sample, extension, part } = member
    const { limit = Number.POSITIVE_INFINITY, part: wanted = '' } = this.options
    const isLink = LINKS.has(header.type)
    if (TEXTS.has(extension)) {
      const trouble = isLink ? LINK : tooLarge(header, MAX_TEXT_BYTES)
      if (trouble === undefined) this.#read(member, await read(), file)
      else this.collector.skip(name, trouble)
    } else if (!isPictureName(name)) {
      const reason = whyUnread(name)
      if (isLink) return undefined
      if (TEXTS.has(extension.slice(extension.lastIndexOf('.') + 1))) this.#remarks.add('textPart', name)
      else if (reason !== undefined) this.collector.skip(name, reason)
      else if (!isDocument(name)) this.#remarks.add('unused', name)
    } else if (part !== wanted) {
      const parts = this.#parts.get(sample)
      if (parts) parts.push(member)
      else this.#parts.set(sample, [member])
    } else if (!this.taken.has(sample) && this.taken.size < limit) {
      this.taken.add(sample)
      const trouble = isLink ? LINK : tooLarge(header, MAX_FILE_BYTES)
      if (trouble !== undefined) return async () => ({ sample, outcome: { reason: trouble } })
      const bytes = await read()
      return async () => ({ sample, outcome: await decodeForeign(async () => bytes, this.options) })
    }
    return undefined
  }

  /** Later members of a sample come before earlier ones. */
  #read(member: Member, bytes: Uint8Array, file: string): void {
    const { name, sample, extension } = member
    const text = textOf(bytes, name, this.#remarks)
    if (text === undefined) return
    const { caption, label } = factsIn(member, text, file, this.#remarks)
    const facts = this.#facts.get(sample) ?? {}
    if (caption === undefined && label === undefined) this.#notUnderstood.set(sample, name)
    if (caption) {
      if (facts.caption && facts.caption !== caption) this.#competing.add(sample)
      facts.caption = caption
      this.#sources.caption.add(`.${extension}`)
    }
    if (label !== undefined) {
      facts.label = label
      this.#sources.label.add(`.${extension}`)
    }
    this.#facts.set(sample, facts)
  }

  /** Parts of samples of which no picture is taken: how many of each. */
  partsWithoutPicture(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const [sample, members] of this.#parts)
      if (!this.taken.has(sample))
        for (const { part } of members) counts.set(part, (counts.get(part) ?? 0) + 1)
    return new Map([...counts].sort(([, a], [, b]) => b - a))
  }

  /** @throws UserError if there are no pictures, or labels for some of them only. */
  finish(name: string): Dataset {
    const { limit = Number.POSITIVE_INFINITY, onProgress, part } = this.options
    let room = limit - this.taken.size
    for (const [sample, members] of this.#parts) {
      if (this.taken.has(sample) || room-- <= 0) continue
      this.collector.skip(
        members[0]!.name,
        part === undefined ? SECOND_DOT : `its sample has no part ${part}`,
      )
    }
    onProgress?.(this.collector.seen, this.collector.seen)
    for (const sample of this.#competing) this.#remarks.add('captionsInTar', sample)
    const { files: read, ...pictures } = this.collector.finish()
    const facts = read.map((sample) => this.#facts.get(sample) ?? {})
    for (const [i, sample] of read.entries()) {
      const unknown = this.#notUnderstood.get(sample)
      if (unknown !== undefined && !facts[i]!.caption && facts[i]!.label === undefined)
        this.#remarks.add('notUnderstood', unknown)
    }
    return sealed({
      name,
      ...pictures,
      ...this.#condition(read, facts),
      warnings: [...this.#warnings, ...this.#remarks.lines()],
    })
  }

  readonly #warnings: string[] = []

  #condition(
    read: readonly string[],
    facts: readonly Facts[],
  ): Pick<Dataset, 'names' | 'namesFrom' | 'classes' | 'labels' | 'classesFrom'> {
    const names = facts.map(({ caption }) => caption ?? '')
    const captioned = names.filter((one) => one !== '').length
    const [namesFrom, classesFrom] = [this.#sources.caption, this.#sources.label].map((from) =>
      [...from].sort().join(' and '),
    ) as [string, string]
    if (facts.every(({ label }) => label === undefined)) return captioned > 0 ? { names, namesFrom } : {}
    const found = facts.map(({ label }, i) => {
      if (label === undefined)
        throw new UserError(
          `${this.collector.source}: ${read[i]} has no class, though other pictures have one`,
        )
      if (!isClass(label))
        throw new UserError(
          `${this.collector.source}: ${read[i]} has the class ${label}; expected 0 to ${MAX_LABEL}`,
        )
      return label
    })
    const classes = { ...classesOf(found), classesFrom }
    if (captioned === 0) return classes
    if (2 * captioned < names.length) {
      const first = read[names.findIndex((one) => one !== '')]!
      this.#warnings.push(fewCaptions(captioned, names.length, first, classesFrom))
      return classes
    }
    this.#warnings.push(bothSaid(namesFrom, classesFrom))
    return { names, namesFrom, ...classes }
  }
}

const LINK = 'a link, and links are not followed in archives'
const SECOND_DOT = 'the second dot of its name makes it a part of a sample, as WebDataset has it'

/** What an entry is; undefined if it is no member of a sample. */
const memberOf = ({ name, type }: TarHeader, prefix: string): Member | undefined => {
  const base = posix.basename(name)
  const dot = base.indexOf('.')
  if (dot === 0 || !(type === undefined || type === 'file' || LINKS.has(type))) return undefined
  const stem = dot < 0 ? base : base.slice(0, dot)
  const extension = dot < 0 ? '' : base.slice(dot + 1).toLowerCase()
  return {
    name: prefix + name,
    sample: prefix + posix.join(posix.dirname(name), stem),
    extension,
    part: extension.slice(0, Math.max(0, extension.lastIndexOf('.'))),
  }
}

const tooLarge = ({ size }: TarHeader, most: number): string | undefined =>
  size > most ? `larger than ${most / 2 ** 20} MiB` : undefined

const noPicture = (
  files: readonly string[],
  wanted: string | undefined,
  parts: ReadonlyMap<string, number>,
): UserError => {
  const found = [...parts].slice(0, 5).map(([part, count]) => `${part} (${count})`)
  const where = files.length === 1 ? files[0] : `${files.length} archives`
  return new UserError(
    `${wanted === undefined ? 'samples have no picture of their own' : `no sample has a picture ${wanted}`} in ${where}, but parts: ${found.join(', ')}${parts.size > 5 ? ', …' : ''}`,
    {
      remedy: `the second dot of a name makes it a part of a sample; choose one with \`part\` ${[...parts.keys()][0]}`,
    },
  )
}

const factsIn = ({ name, extension }: Member, text: string, file: string, remarks: Remarks): Facts => {
  if (extension === 'txt' || extension === 'caption') return { caption: tidyCaption(text, name, remarks) }
  if (extension === 'cls') {
    if (!/^\s*\d+\s*$/.test(text))
      throw new UserError(
        `${file}: ${name} must hold a class, 0, 1, …, but holds "${text.slice(0, 40).trim()}"`,
      )
    return { label: Number(text) }
  }
  const fields = fieldsOf(parseJson(text.replace(/^\ufeff/, '')))
  const found = fields && factsOfDocument(fields, name, remarks)
  if (!found || 'wrong' in found)
    throw new UserError(
      `${file}: ${name} must hold {"caption": "…", "label": …}, but holds ${text.slice(0, 60)}`,
    )
  return found.facts
}
