/** Reads what files beside a folder's pictures say about them: `name.txt`, `name.caption`, `name.json`, metadata. */
import { readFile, stat } from 'node:fs/promises'
import { extname, join, posix } from 'node:path'
import { UserError } from '@onestroke/core/errors'
import { byCodeUnit } from './dataset.js'
import { MAX_FILE_BYTES } from './decode.js'
import { type Facts, factsOfDocument, fieldsOf, isClass, type Label } from './facts.js'
import { linesOf, METADATA } from './metadata.js'
import { PathIndex } from './path-index.js'
import type { Remarks } from './remarks.js'
import { cannotRead, MAX_TEXT_BYTES, parseJson, textOf, tidyCaption } from './text.js'

/** Endings of files beside a picture. Later ones come before earlier ones where both say something. */
const BESIDE = ['.json', '.caption', '.txt']

/** The captions and labels of pictures, and the files that they come from. */
export class Said {
  readonly captions = new Map<string, { text: string; source: string }>()
  readonly labels = new Map<string, { label: Label; source: string }>()

  /** Remarks that were made already: one per picture, although three sources may compete for it. */
  readonly #remarked = new Set<string>()

  constructor(readonly remarks: Remarks) {}

  #remark(kind: 'competing' | 'manyLabels', picture: string): void {
    const key = `${kind} ${picture}`
    if (!this.#remarked.has(key)) this.remarks.add(kind, picture)
    this.#remarked.add(key)
  }

  /** Adds the facts of a further source about a picture. They take precedence over those of earlier sources. */
  add(picture: string, { caption, label }: Facts, source: string): void {
    if (caption !== undefined) {
      const known = this.captions.get(picture)?.text
      if (known && caption && known !== caption) this.#remark('competing', picture)
      if (caption || known === undefined) this.captions.set(picture, { text: caption, source })
    }
    if (label === undefined) return
    if (!isClass(label)) {
      this.remarks.add('badLabel', picture)
      return
    }
    const known = this.labels.get(picture)?.label
    if (known !== undefined && known !== label) this.#remark('manyLabels', picture)
    this.labels.set(picture, { label, source })
  }
}

/** The path up to the last dot of its last part. */
const withoutExtension = (file: string): string => file.replace(/(?<=[^/])\.[^./]*$/, '')

/**
 * Reads what the `others` say of the `pictures`. All paths are relative to `directory`, with `/` between their parts.
 *
 * @returns what is known, and the files that it came from.
 * @throws UserError if a file cannot be read; that names file and line if metadata is malformed.
 */
export const readCaptions = async (
  directory: string,
  pictures: readonly string[],
  others: readonly string[],
  remarks: Remarks,
): Promise<{ said: Said; used: ReadonlySet<string>; warnings: string[] }> => {
  const said = new Said(remarks)
  const used = new Set<string>()
  const warnings: string[] = []
  for (const ending of BESIDE) {
    const files = new PathIndex<string>()
    for (const file of others)
      if (extname(file).toLowerCase() === ending) files.set(withoutExtension(file), file)
    for (const picture of pictures) {
      // Some programs write name.png.txt.
      const file = files.get(withoutExtension(picture)) ?? files.get(picture)
      if (file === undefined) continue
      used.add(file)
      const facts = await factsBeside(directory, file, ending, remarks)
      if (facts) said.add(picture, facts, `${ending} files`)
    }
  }
  const known = new PathIndex<string>()
  for (const picture of pictures) known.set(picture, picture)
  const tables = others.filter((other) => METADATA.has(posix.basename(other)))
  for (const file of tables) {
    used.add(file)
    const source = posix.basename(file)
    const path = join(directory, file)
    const bytes = await read(path, MAX_FILE_BYTES)
    if (!bytes) throw new UserError(`${path} is larger than ${MAX_FILE_BYTES / 2 ** 20} MiB`)
    const text = textOf(bytes, file, remarks)
    const lines = text === undefined ? [] : linesOf(text, path, remarks)
    for (const { fileName, facts } of lines) {
      const picture =
        known.get(posix.join(posix.dirname(file), fileName.replaceAll('\\', '/'))) ?? known.get(fileName)
      if (picture === undefined) remarks.add('nowhere', `${fileName} in ${file}`)
      else said.add(picture, facts, source)
    }
    if (
      lines.length > 0 &&
      lines.every(({ facts }) => facts.caption === undefined && facts.label === undefined)
    )
      warnings.push(
        `${file} holds no caption or label: none of its lines has text, caption, prompt, description or label`,
      )
  }
  return { said, used, warnings }
}

const factsBeside = async (
  directory: string,
  file: string,
  ending: string,
  remarks: Remarks,
): Promise<Facts | undefined> => {
  const bytes = await read(join(directory, file), MAX_TEXT_BYTES)
  if (!bytes) remarks.add('largeText', file)
  const text = bytes && textOf(bytes, file, remarks)
  if (text === undefined) return undefined
  if (ending !== '.json') return { caption: tidyCaption(text, file, remarks) }
  const fields = fieldsOf(parseJson(text.replace(/^\ufeff/, '')))
  const found = fields && factsOfDocument(fields, file, remarks)
  if (!found || 'wrong' in found || Object.keys(found.facts).length === 0) {
    remarks.add('notUnderstood', file)
    return undefined
  }
  return found.facts
}

/** A file's bytes, or undefined if it is larger than `most`. */
const read = async (path: string, most: number): Promise<Uint8Array | undefined> => {
  try {
    return (await stat(path)).size > most ? undefined : await readFile(path)
  } catch (cause) {
    throw cannotRead(path, cause as NodeJS.ErrnoException)
  }
}

/** The sources in words, the one with the most entries first: `metadata.jsonl and .txt files`. */
export const sourcesOf = (found: Iterable<{ source: string }>): string => {
  const counts = new Map<string, number>()
  for (const { source } of found) counts.set(source, (counts.get(source) ?? 0) + 1)
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || byCodeUnit(a, b))
    .map(([source]) => source)
    .join(' and ')
}
