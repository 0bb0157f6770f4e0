/** What the folders of a data set are: splits, classes, or a wrapper around everything. Paths have `/` between their parts. */
import { UserError } from '@onestroke/core/errors'
import { byCodeUnit } from './dataset.js'
import { picturesOf } from './remarks.js'

const TRAIN = new Set(['train', 'training'])
/** The first ones are preferred. */
const TEST: readonly string[] = ['test', 'testing', 'val', 'valid', 'validation', 'dev']

/** Pictures below a folder. */
export interface Part {
  /** The folder whose sub-folders may be classes: '' or `data/train/`. */
  prefix: string
  files: string[]
}

export interface Splits {
  train: Part
  test?: Part
  /** What the test split is called: `test`, or `data/valid` with the folders around it. */
  testName?: string
  /** A warning that is shown if folders are classes. */
  doubt?: string
  warnings: string[]
}

/** Files of a folder: those that lie in it, and those of its sub-folders. */
export interface Level {
  loose: string[]
  folders: Map<string, string[]>
}

export const levelOf = ({ prefix, files }: Part): Level => {
  const level: Level = { loose: [], folders: new Map() }
  for (const file of files) {
    const end = file.indexOf('/', prefix.length)
    if (end < 0) {
      level.loose.push(file)
      continue
    }
    const name = file.slice(prefix.length, end)
    const inside = level.folders.get(name)
    if (inside) inside.push(file)
    else level.folders.set(name, [file])
  }
  return level
}

/**
 * Finds the pictures for training, and those of a test split. A single folder around everything is looked through.
 * `train`, `test`, `val`, … side by side are splits; so are `test`, `val`, … beside other folders or pictures. The same
 * holds inside the folders of classes (`cats/train`, `cats/test`, `dogs/train`), if at least half of them are so divided.
 *
 * @throws UserError if there are splits, but none to learn from.
 */
export const splitsOf = (files: string[], directory: string): Splits => {
  const { prefix } = unwrapped({ prefix: '', files })
  const { loose, folders } = levelOf({ prefix, files })
  const names = [...folders.keys()]
  const trainName = names.find(isTrain)
  const testNames = names
    .filter((name) => TEST.includes(name.toLowerCase()))
    .sort((a, b) => TEST.indexOf(a.toLowerCase()) - TEST.indexOf(b.toLowerCase()))
  const others = names.filter((name) => name !== trainName && !testNames.includes(name))
  const [testName] = testNames
  if (testName === undefined) {
    const inside = splitsInside({ prefix, files })
    if (inside) return inside
    const train = unwrapped({ prefix, files })
    if (trainName === undefined) return { train, warnings: [] }
    const [other] = others
    const where = `${prefix}${trainName}`
    if (other !== undefined) {
      const doubt = `the folder ${where} is taken for a class, because ${other} lies beside it`
      return { train, doubt, warnings: [] }
    }
    const why = `${where}/ is no split, because no test/ or val/ lies beside it`
    const inTrain = folders.get(trainName)!.length
    return { train, warnings: loose.length > 0 ? [learnedTogether(why, inTrain, loose.length)] : [] }
  }
  if (trainName === undefined && others.length === 0 && loose.length === 0)
    throw new UserError(
      `${directory} holds the splits ${testNames.join(' and ')}, but nothing to learn from beside them`,
      { remedy: 'name the folder to learn from, or call it train' },
    )
  const test = unwrapped({ prefix: `${prefix}${testName}/`, files: folders.get(testName)! })
  const unused = testNames.slice(1).map((name) => [`${name}/`, folders.get(name)!.length] as const)
  if (trainName === undefined) {
    const rest = files.filter((file) => !testNames.some((name) => file.startsWith(`${prefix}${name}/`)))
    return {
      train: unwrapped({ prefix, files: rest }),
      test,
      testName: `${prefix}${testName}`,
      warnings: unused.map(notUsed),
    }
  }
  for (const name of others) unused.push([`${name}/`, folders.get(name)!.length])
  if (loose.length > 0) unused.push([`the folder of ${trainName}/`, loose.length])
  return {
    train: unwrapped({ prefix: `${prefix}${trainName}/`, files: folders.get(trainName)! }),
    test,
    testName: `${prefix}${testName}`,
    warnings: unused.map(notUsed),
  }
}

/** The warning if a folder's pictures and those beside it are read as one set. */
export const learnedTogether = (why: string, inside: number, beside: number): string =>
  `${why}: its ${picturesOf(inside)} and the ${beside.toLocaleString('en')} beside it are learned from together`

export const isTrain = (folder: string): boolean => TRAIN.has(folder.toLowerCase())

/** Splits inside the folders of classes; undefined if most folders are not divided so. */
const splitsInside = ({ prefix, files }: Part): Splits | undefined => {
  const { loose, folders } = levelOf({ prefix, files })
  const train: string[] = [...loose]
  /** Pictures of the other splits, by their names. */
  const others = new Map<string, string[]>()
  let divided = 0
  for (const [name, inside] of folders) {
    const level = levelOf({ prefix: `${prefix}${name}/`, files: inside })
    const learned = [...level.loose]
    const kept: string[] = []
    for (const [folder, pictures] of level.folders) {
      const split = folder.toLowerCase()
      if (!TEST.includes(split)) {
        for (const picture of pictures) learned.push(picture)
        continue
      }
      for (const picture of pictures) kept.push(picture)
      others.set(split, [...(others.get(split) ?? []), ...pictures])
    }
    const hasTrain = [...level.folders.keys()].some(isTrain)
    if (hasTrain || (kept.length > 0 && learned.length > 0)) divided++
    for (const picture of learned) train.push(picture)
  }
  if (others.size === 0 || train.length === 0 || 2 * divided < folders.size) return undefined
  const [testName, ...unused] = TEST.filter((name) => others.has(name))
  return {
    train: { prefix, files: train.sort(byCodeUnit) },
    test: { prefix, files: others.get(testName!)! },
    testName: `${prefix}${testName}`,
    warnings: unused.map((name) => notUsed([`${prefix}*/${name}/`, others.get(name)!.length])),
  }
}

const notUsed = ([where, pictures]: readonly [string, number]): string =>
  `${picturesOf(pictures)} in ${where} ${pictures === 1 ? 'is' : 'are'} not used: train/ is learned from, and one split is for tests`

/** The same pictures, seen from the folder below which they part. */
const unwrapped = ({ prefix, files }: Part): Part => {
  const { loose, folders } = levelOf({ prefix, files })
  const [name, ...others] = folders.keys()
  return name !== undefined && others.length === 0 && loose.length === 0
    ? unwrapped({ prefix: `${prefix}${name}/`, files })
    : { prefix, files }
}
