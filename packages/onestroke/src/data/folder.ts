/** A folder of pictures, with class sub-folders, captions, both or neither. */
import { readdir, realpath, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { UserError } from '@onestroke/core/formats'
import { captionOfName, readCaptions } from './captions.js'
import { Collector } from './collector.js'
import { byCodeUnit, type DataOptions, type Dataset, sealed, spread } from './dataset.js'
import { DECODERS, decode, PICTURE_EXTENSIONS, readBounded } from './decode.js'
import { inOrder } from './in-order.js'

/**
 * Reads the pictures of a folder and its sub-folders, sorted by path. Files and folders whose names begin with a dot
 * are left out, and so are pictures that cannot be read (they are listed in `skipped`).
 *
 * - Every picture in a sub-folder, of which there are two or more: these are the classes.
 * - A `name.txt` beside a `name.png`, or a `metadata.jsonl`: captions. Pictures without one get their file name.
 *
 * @throws UserError if there are no readable pictures, or if they have no common square size and no resolution is
 * given.
 */
export const loadFolder = async (
  directory: string,
  name: string,
  options: DataOptions = {},
): Promise<Dataset> => {
  const { files: found, lost } = await walk(directory)
  const all = found.filter(isPicture)
  const hasClasses = haveClasses(all)
  const captions = await readCaptions(directory, all, found)
  const files = spread(all, options.limit)

  const collector = new Collector(directory, options, files.length)
  const outcomes = inOrder(files, DECODERS, async (file) => ({
    file,
    outcome: await decode(() => readBounded(join(directory, file)), options),
  }))
  for await (const { file, outcome } of outcomes) {
    collector.add(file, outcome)
    options.onProgress?.(collector.seen, files.length)
  }
  const { files: read, ...pictures } = collector.finish()
  const names = read.map((file) => captions.of.get(file) ?? captionOfName(file))
  return sealed({
    name,
    ...pictures,
    skipped: [
      ...pictures.skipped,
      ...found.filter(isUnread).map(unread),
      ...lost.filter(isPicture).map(leadsNowhere),
      ...captions.unknown,
    ],
    ...(captions.of.size > 0 && { names }),
    ...(hasClasses && classesOf(read)),
  })
}

const isPicture = (file: string): boolean => PICTURE_EXTENSIONS.has(extname(file).slice(1).toLowerCase())
const leadsNowhere = (file: string) => ({ file, reason: 'a link that leads nowhere' })

/** Pictures, but in formats that are not read: a phone's folder may hold little else. */
const UNREAD = new Set(['bmp', 'heic', 'heif', 'jxl'])
const isUnread = (file: string): boolean => UNREAD.has(extname(file).slice(1).toLowerCase())
const unread = (file: string) => ({
  file,
  reason: `${extname(file).slice(1).toLowerCase()} is not read: convert it to PNG or JPEG`,
})

/** Whether every picture lies in a first-level folder, and there are at least two of these. */
const haveClasses = (files: readonly string[]): boolean =>
  files.every((file) => file.includes('/')) && new Set(files.map(folderOf)).size >= 2

const folderOf = (file: string): string => file.slice(0, file.indexOf('/'))

const classesOf = (files: readonly string[]): { classes: string[]; labels: Int32Array } => {
  const classes = [...new Set(files.map(folderOf))].sort(byCodeUnit)
  const label = new Map(classes.map((name, i) => [name, i]))
  return { classes, labels: Int32Array.from(files, (file) => label.get(folderOf(file))!) }
}

/**
 * All files below a folder, relative to it, with `/` between the parts, sorted; and links that lead nowhere. Links are
 * followed, but not in circles.
 */
const walk = async (directory: string): Promise<{ files: string[]; lost: string[] }> => {
  const [files, lost]: [string[], string[]] = [[], []]
  const visit = async (inside: string, above: readonly string[]): Promise<void> => {
    const path = join(directory, inside)
    const real = await realpath(path)
    if (above.includes(real)) return
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.name.startsWith('.') || entry.name === '__MACOSX') continue
      const file = inside === '' ? entry.name : `${inside}/${entry.name}`
      const kind = entry.isSymbolicLink() ? await stat(join(directory, file)).catch(() => entry) : entry
      if (kind.isDirectory()) await visit(file, [...above, real])
      else if (kind.isFile()) files.push(file)
      else if (kind.isSymbolicLink()) lost.push(file)
    }
  }
  await visit('', []).catch((cause: NodeJS.ErrnoException) => {
    throw new UserError(`cannot read the folder ${cause.path ?? directory}: ${cause.code ?? cause.message}`, {
      cause,
    })
  })
  return { files: files.sort(byCodeUnit), lost: lost.sort(byCodeUnit) }
}
