/** Which of a folder's pictures are used, and by what they are told apart: captions, classes or nothing. */
import { type Said, sourcesOf } from './captions.js'
import type { Dataset } from './dataset.js'
import type { Label } from './facts.js'
import { picturesOf } from './remarks.js'
import { isTrain, type Level, learnedTogether, levelOf, type Part } from './splits.js'

export interface Condition {
  /** The pictures that are used. */
  files: string[]
  /** Pictures that are left out because they have no class. */
  left: Dataset['skipped']
  captions?: { of(file: string): string; from: string }
  classes?: { of(file: string): Label; from: string }
  warnings: string[]
}

/**
 * - Captions are used if some picture has one; but if there are classes, only if half of the pictures have one.
 * - Classes are labels if most pictures have one, or else folders if there are several, and most pictures lie in them.
 * - Pictures without a class are left out where only classes are used.
 */
export const conditionOf = (part: Part, said: Said): Condition => {
  const { files } = part
  const warnings: string[] = []
  const captioned = files.filter((file) => said.captions.get(file)?.text)
  const byLabel = labelsOf(part, said, warnings)
  const doubts: string[] = []
  const classes = byLabel ?? foldersOf(part, doubts)
  const covered = classes ? files.filter((file) => classes.of(file) !== undefined) : []
  const complete = classes && covered.length === files.length
  const haveCaptions = captioned.length > 0 && (!classes || 2 * captioned.length >= files.length)
  if (haveCaptions) {
    const captions = {
      of: (file: string) => said.captions.get(file)?.text ?? '',
      from: sourcesOf(captioned.map((file) => said.captions.get(file)!)),
    }
    if (complete) warnings.push(bothSaid(captions.from, classes.from))
    return {
      files,
      left: [],
      captions,
      ...(complete && { classes: { of: (file: string) => classes.of(file)!, from: classes.from } }),
      warnings,
    }
  }
  warnings.push(...doubts)
  if (!classes) return { files, left: [], warnings }
  if (captioned.length > 0)
    warnings.push(fewCaptions(captioned.length, files.length, captioned[0]!, classes.from))
  return {
    files: covered,
    left: files
      .filter((file) => classes.of(file) === undefined)
      .map((file) => ({ file, reason: classes.without })),
    classes: { of: (file) => classes.of(file)!, from: classes.from },
    warnings,
  }
}

/** The warning if there are both captions and classes. */
export const bothSaid = (captionsFrom: string, classesFrom: string): string =>
  `there are both captions (from ${captionsFrom}) and classes (from ${classesFrom}): train learns the captions, not the classes`

/** The warning if there are classes and only a few captions. */
export const fewCaptions = (captioned: number, of: number, first: string, classesFrom: string): string =>
  `${captioned} of ${picturesOf(of)} ${captioned === 1 ? 'has a caption' : 'have captions'} (${first}): the classes (from ${classesFrom}) are used, captions are not`

interface Classes {
  of(file: string): Label | undefined
  from: string
  /** Why a picture has none. */
  without: string
}

const labelsOf = (part: Part, { labels }: Said, warnings: string[]): Classes | undefined => {
  const labelled = part.files.filter((file) => labels.has(file))
  if (labelled.length === 0) return undefined
  const from = sourcesOf(labelled.map((file) => labels.get(file)!))
  if (2 * labelled.length <= part.files.length) {
    warnings.push(
      `${labelled.length} of ${picturesOf(part.files.length)} ${labelled.length === 1 ? 'has a label' : 'have labels'} (from ${from}), which are not used`,
    )
    return undefined
  }
  const folders = classFolders(levelOf(part))
  const same = [...folders].every(([name, files]) => files.every((file) => labels.get(file)?.label === name))
  if (folders.size > 1 && !same)
    warnings.push(`the labels (from ${from}) are the classes, and not the ${folders.size} folders`)
  return {
    of: (file) => labels.get(file)?.label,
    from,
    without: `no label in ${from}, though other pictures have one`,
  }
}

/** Pictures by class: folders whose names differ only in how accents are written (one letter or two) are one class. */
const classFolders = ({ folders }: Level): Map<string, string[]> => {
  const classes = new Map<string, string[]>()
  for (const [folder, files] of folders) {
    const name = folder.normalize('NFC')
    classes.set(name, [...(classes.get(name) ?? []), ...files])
  }
  return classes
}

const foldersOf = (part: Part, doubts: string[]): Classes | undefined => {
  const level = levelOf(part)
  const { loose } = level
  const folders = classFolders(level)
  if (folders.size < 2) {
    // `splitsOf` has said it of train.
    for (const [name, files] of folders)
      if (loose.length > 0 && !isTrain(name))
        doubts.push(
          learnedTogether(
            `the folder ${part.prefix}${name}/ is not taken for a class, because it is the only one`,
            files.length,
            loose.length,
          ),
        )
    return undefined
  }
  if (2 * loose.length >= part.files.length) {
    doubts.push(
      `the ${folders.size} folders are not taken for classes, because ${picturesOf(loose.length)} ${loose.length === 1 ? 'lies' : 'lie'} beside them`,
    )
    return undefined
  }
  const classOf = new Map([...folders].flatMap(([name, files]) => files.map((file) => [file, name] as const)))
  return {
    of: (file) => classOf.get(file),
    from: 'folders',
    without: 'it lies beside the folders of the classes',
  }
}
