/** A folder of pictures, with class sub-folders, captions, both or neither. */
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '@onestroke/core/errors'
import { readCaptions, type Said } from './captions.js'
import { Collector, nothingIn } from './collector.js'
import { type Condition, conditionOf } from './condition.js'
import { byCodeUnit, type Dataset, type LoadOptions, sealed, spread } from './dataset.js'
import { DECODERS, readBounded } from './decode.js'
import { decodeForeign } from './drawing.js'
import { inOrder } from './in-order.js'
import { classesOf } from './labels.js'
import { isArchiveName } from './paths.js'
import { isPictureName } from './picture-name.js'
import { Remarks, someOf } from './remarks.js'
import { type Part, splitsOf } from './splits.js'
import { cannotRead } from './text.js'
import { isDocument, whyUnread } from './unread.js'

/**
 * Reads the pictures of a folder and its sub-folders, sorted by path. Files and folders whose names begin with a dot
 * are left out, and so are pictures that cannot be read (they are listed in `skipped`).
 *
 * - A single folder around everything is looked through. `train`, `test`, `val`, … are splits, also inside class folders.
 * - Most pictures lie in sub-folders, of which there are two or more: these are the classes. Or most have a label.
 * - `name.txt`, `name.caption` or `name.json` beside `name.png`, `metadata.jsonl` or `metadata.csv`: captions and
 *   labels. Pictures without a caption get the empty one.
 *
 * @throws UserError if there are no readable pictures, or if they have no common size and no resolution is given.
 */
export const loadFolder = async (
  directory: string,
  name: string,
  options: LoadOptions = {},
): Promise<Dataset> => {
  const { files: found, lost, special } = await walk(directory)
  const pictures = found.filter(isPictureName)
  const others = found.filter((file) => !isPictureName(file))
  if (pictures.length === 0) throw noPictures(directory, others)
  const remarks = new Remarks()
  const { train, test, testName, doubt, warnings } = splitsOf(pictures, directory)
  const { said, used, warnings: doubts } = await readCaptions(directory, pictures, others, remarks)
  const unused = others.filter((file) => !used.has(file))
  for (const file of unused)
    if (whyUnread(file) === undefined && !isDocument(file)) remarks.add('unused', file)

  const condition = conditionOf(train, said)
  const trainSet = await datasetOf(directory, name, condition, options)
  const testSet = test && (await testSetOf(directory, test, `${name} ${testName}`, said, trainSet, options))
  return {
    ...trainSet,
    skipped: [
      ...trainSet.skipped,
      ...(testSet?.skipped ?? []),
      ...unreadOf(unused),
      ...lost.filter(isPictureName).map((file) => ({ file, reason: 'a link that leads nowhere' })),
      ...special.map((file) => ({ file, reason: 'neither a file nor a folder' })),
    ],
    warnings: [
      ...warnings,
      ...(doubt !== undefined && trainSet.classesFrom === 'folders' && !trainSet.names ? [doubt] : []),
      ...doubts,
      ...condition.warnings,
      ...(testSet?.warnings ?? []),
      ...remarks.lines(),
    ],
    test: testSet,
  }
}

/** Reads the pictures that were chosen. */
const datasetOf = async (
  directory: string,
  name: string,
  { files: chosen, left, captions, classes }: Condition,
  options: LoadOptions,
  known?: string[],
): Promise<Dataset> => {
  const files = spread(chosen, options.limit)
  const collector = new Collector(directory, options, files.length)
  const outcomes = inOrder(files, DECODERS, async (file) => ({
    file,
    outcome: await decodeForeign(() => readBounded(join(directory, file)), options),
  }))
  for await (const { file, outcome } of outcomes) {
    collector.add(file, outcome)
    options.onProgress?.(collector.seen, files.length)
  }
  const { files: read, ...pictures } = collector.finish()
  return sealed({
    name,
    ...pictures,
    skipped: [...pictures.skipped, ...left],
    ...(captions && { names: read.map(captions.of), namesFrom: captions.from }),
    ...(classes && { ...classesOf(read.map(classes.of), known), classesFrom: classes.from }),
  })
}

/** A test split is as large as the training set's pictures, and has its captions or classes if it can. */
const testSetOf = async (
  directory: string,
  part: Part,
  name: string,
  said: Said,
  train: Dataset,
  options: LoadOptions,
): Promise<Dataset> => {
  const { captions, classes } = conditionOf(part, said)
  const names = new Set(classes && part.files.map((file) => String(classes.of(file))))
  const unknown = [...names].filter((label) => !train.classes?.includes(label))
  const sameClasses = unknown.length === 0
  const condition = {
    files: part.files,
    left: [],
    warnings: [],
    ...(train.names && captions && { captions }),
    ...(sameClasses && classes && { classes }),
  }
  const { height, width, channels } = train
  const as = { ...options, resolution: { height, width }, channels: channels as 1 | 3 }
  const test = await datasetOf(directory, name, condition, as, train.classes)
  const warning = `the test split has classes without pictures to learn from: ${someOf(unknown)}`
  return { ...test, warnings: train.classes && !sameClasses ? [warning] : [] }
}

const unreadOf = (files: readonly string[]): Dataset['skipped'] =>
  files.flatMap((file) => {
    const reason = whyUnread(file)
    return reason === undefined ? [] : [{ file, reason }]
  })

const noPictures = (directory: string, others: readonly string[]): UserError => {
  if (others.some(isArchiveName))
    return new UserError(`no pictures in ${directory}, but archives`, {
      remedy: `tar:${directory} reads them`,
    })
  return nothingIn(directory, unreadOf(others))
}

/** All links below a folder, also below the folders that they lead to: by them, data lie elsewhere. None below a file. */
export const linksIn = async (directory: string, seen = new Set<string>()): Promise<string[]> => {
  const real = await realpath(directory).catch(() => undefined)
  if (real === undefined || seen.has(real)) return []
  seen.add(real)
  const entries = await readdir(real, { withFileTypes: true, recursive: true }).catch(() => [])
  const links: string[] = []
  for (const { parentPath, name } of entries.filter((entry) => entry.isSymbolicLink())) {
    const link = join(parentPath, name)
    links.push(link, ...(await linksIn(link, seen)))
  }
  return links
}

/**
 * All files below a folder, relative to it, with `/` between the parts, sorted; links that lead nowhere; and what is
 * neither (a named pipe). Links are followed, but not in circles.
 */
const walk = async (directory: string): Promise<{ files: string[]; lost: string[]; special: string[] }> => {
  const files: string[] = []
  const lost: string[] = []
  const special: string[] = []
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
      else special.push(file)
    }
  }
  await visit('', []).catch((cause: NodeJS.ErrnoException) => {
    throw cannotRead(`the folder ${cause.path ?? directory}`, cause)
  })
  return { files: files.sort(byCodeUnit), lost: lost.sort(byCodeUnit), special: special.sort(byCodeUnit) }
}
