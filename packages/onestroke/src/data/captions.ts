/** Captions of a folder's pictures: `name.txt` beside `name.png`, or `metadata.jsonl` as in Hugging Face's imagefolder. */
import { readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { UserError } from '@onestroke/core/formats'
import { z } from 'zod'

/** What a JSON document says about a picture, in a metadata.jsonl or in a WebDataset archive. */
export const pictureFacts = z.object({
  text: z.string().nullish(),
  caption: z.string().nullish(),
  label: z.union([z.string(), z.int()]).nullish(),
})

const metadataLine = pictureFacts.pick({ text: true, caption: true }).extend({ file_name: z.string() })

/** One line of text, without surplus space; undefined if nothing is left. */
export const tidyCaption = (text: string | null | undefined): string | undefined =>
  text?.replace(/[\s\ufeff]+/g, ' ').trim() || undefined

/** `some/red-heart_2.png` is a "red heart 2". */
export const captionOfName = (file: string): string =>
  withoutExtension(posix.basename(file)).replace(/[-_]+/g, ' ').trim()

/** The path up to the last dot of its last part. */
export const withoutExtension = (file: string): string => file.replace(/(?<=[^/])\.[^./]*$/, '')

export interface Captions {
  /** Pictures without a caption are missing. */
  of: Map<string, string>
  /** Names in a metadata.jsonl that are no picture of the folder. */
  unknown: { file: string; reason: string }[]
}

/**
 * Reads the captions of `pictures`. All paths are relative to `directory`, with `/` between their parts.
 *
 * @throws UserError if a file cannot be read; that names file and line if a metadata.jsonl is malformed.
 */
export const readCaptions = async (
  directory: string,
  pictures: readonly string[],
  others: readonly string[],
): Promise<Captions> => {
  const captions: Captions = { of: new Map(), unknown: [] }
  const texts = new Map(
    others.filter((file) => /\.txt$/i.test(file)).map((file) => [withoutExtension(file), file]),
  )
  for (const picture of pictures) {
    const file = texts.get(withoutExtension(picture))
    const caption = file !== undefined && tidyCaption(await readText(join(directory, file)))
    if (caption) captions.of.set(picture, caption)
  }
  // Some systems write é as one letter, some as two.
  const known = new Map(pictures.map((picture) => [picture.normalize('NFC'), picture]))
  for (const file of others.filter((other) => posix.basename(other) === 'metadata.jsonl')) {
    const lines = parseMetadata(await readText(join(directory, file)), join(directory, file))
    for (const { file_name, caption } of lines) {
      const picture = posix.join(posix.dirname(file), file_name)
      const there = known.get(picture.normalize('NFC'))
      if (there === undefined) captions.unknown.push({ file: picture, reason: `in ${file}, but not there` })
      else if (caption) captions.of.set(there, caption)
    }
  }
  return captions
}

const readText = async (path: string): Promise<string> =>
  textOf(
    await readFile(path).catch((cause: NodeJS.ErrnoException) => {
      throw new UserError(`cannot read ${path}: ${cause.code ?? cause.message}`, { cause })
    }),
    path,
  )

/**
 * A text file's text: UTF-8, or UTF-16 with a byte order mark, as some Windows programs write it.
 *
 * @throws UserError that names the file if it is neither.
 */
export const textOf = (bytes: Uint8Array, file: string): string => {
  const mark = (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)
  const encoding = mark === 0xfffe ? 'utf-16le' : mark === 0xfeff ? 'utf-16be' : 'utf-8'
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new UserError(`${file} is not text in UTF-8`, { cause, remedy: 'save it as UTF-8' })
  }
}

const parseMetadata = (text: string, file: string) =>
  text
    .replace(/^\ufeff/, '')
    .split('\n')
    .flatMap((line, i) => {
      if (line.trim() === '') return []
      const { data } = metadataLine.safeParse(parseJson(line))
      if (!data)
        throw new UserError(
          `${file}, line ${i + 1}: expected {"file_name": "…", "text": "…"}, found ${line.slice(0, 60)}`,
        )
      return [{ file_name: data.file_name, caption: tidyCaption(data.text) ?? tidyCaption(data.caption) }]
    })

/** The JSON document, or undefined if it is none. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
