/** The state of a run on disk: everything that an exact resume needs. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, link, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '@onestroke/core/errors'
import { parseSafetensors, serializeSafetensors, toFloat32 } from '@onestroke/core/formats'
import { z } from 'zod'
import { readBytes, writeFileAtomic } from '../formats/index.js'
import { PREVIOUS_STATE_FILE, PROGRESS_FILE, STATE_FILE } from '../run-files.js'
import { BANDS } from './bands.js'
import type { TrainingArrays } from './optimizer.js'

/** One line of the loss curve: means over the pictures since the line before. */
export interface LogPoint {
  readonly images: number
  readonly loss: number
  readonly gradient_norm: number
  readonly learning_rate: number
  /** Loss per band of noise levels, the strongest first; null where no picture fell into a band. See `bandLimits`. */
  readonly bands: readonly (number | null)[]
  /** The loss of the objective's own part, where it has steps of its own. */
  readonly own_loss?: number
}

/** The result of a check. */
export interface Check {
  readonly images: number
  /** Fréchet distance to the data by number of steps: the mean over the noise seeds. */
  readonly fid: Readonly<Record<string, number>>
  /** One for each noise seed: the geometric mean of its distances over the numbers of steps. None in runs of old. */
  readonly scores: readonly number[]
  /** The geometric mean of the scores, by which the best check is chosen. */
  readonly score: number
  /** By band, of the step before. */
  readonly gradient_norm: readonly (number | null)[]
  /** By band: root mean square distance of the student's answer to the end of the teacher's path, where there is one. */
  readonly teacher_distance: readonly number[] | null
}

/** A picture whose loss was not finite: (seed of the run, step, index) draws it, its noise and its levels again. */
export interface Quarantined {
  readonly step: number
  readonly index: number
  readonly sigma: number
}

/** How a run's minutes are shared out. This decides the result, so it is decided only once. */
export interface Allotment {
  /** Seconds for the training itself: steps, batches and checkpoints. */
  readonly training: number
  /** How often the quality is measured on the way, at most: `RunPlan.checks` may be more than there is time for. */
  readonly checks: number
  /** The effort of measuring that the time allows. */
  readonly effort: Readonly<Record<string, number>>
}

/** The part of a state that is not arrays: counters and the log. */
export interface Progress {
  /** Steps done. */
  step: number
  /** Pictures in the whole training, once known; 0 before. */
  images: number
  /** In a run of so many minutes. */
  time?: Allotment & {
    /** Whether `images` is final. In a long training it is corrected once, when the real speed is known. */
    settled: boolean
  }
  /** Seconds of training, over all of the run's processes. */
  seconds: number
  /** Steps that were left out because the gradient was not finite. */
  skipped_steps: number
  /** Pictures left out of their batches so far, and the last hundred of them. */
  quarantined: number
  quarantine: Quarantined[]
  log: LogPoint[]
  checks: Check[]
  /** Sums for the next line of the log; by band, a sum and how many pictures it is of. */
  pending: {
    steps: number
    loss: number
    gradient_norm: number
    bands: [sum: number, count: number][]
    /** Mean loss of the own part's steps, if it has any. */
    own?: { steps: number; loss: number }
  }
}

export const freshPending = (): Progress['pending'] => ({
  steps: 0,
  loss: 0,
  gradient_norm: 0,
  bands: Array.from({ length: BANDS }, () => [0, 0]),
})

/** The progress at the start of a training of this many images; 0 if the number is not known yet. */
export const freshProgress = (images: number): Progress => ({
  step: 0,
  images,
  seconds: 0,
  skipped_steps: 0,
  quarantined: 0,
  quarantine: [],
  log: [],
  checks: [],
  pending: freshPending(),
})

const count = z.int().nonnegative()
const perBand = z.array(z.number().nullable()).length(BANDS)
const progressSchema = z.object({
  step: count,
  images: count,
  time: z
    .object({
      training: z.number(),
      checks: count,
      effort: z.record(z.string(), z.number()),
      settled: z.boolean(),
    })
    .optional(),
  seconds: z.number(),
  skipped_steps: count,
  quarantined: count,
  quarantine: z.array(z.object({ step: count, index: count, sigma: z.number() })),
  log: z.array(
    z.object({
      images: count,
      loss: z.number(),
      gradient_norm: z.number(),
      learning_rate: z.number(),
      bands: perBand,
      own_loss: z.number().optional(),
    }),
  ),
  checks: z.array(
    z.object({
      images: count,
      fid: z.record(z.string(), z.number()),
      score: z.number(),
      scores: z.array(z.number()).default([]),
      gradient_norm: perBand,
      teacher_distance: z.array(z.number()).length(BANDS).nullable(),
    }),
  ),
  pending: z.object({
    steps: count,
    loss: z.number(),
    gradient_norm: z.number(),
    bands: z.array(z.tuple([z.number(), count])).length(BANDS),
    own: z.object({ steps: count, loss: z.number() }).optional(),
  }),
})

/** The arrays of what is trained, and of an objective's own part, which lie where the training runs. */
export const HELD_ARRAYS = ['parameters', 'exp_avg', 'exp_avg_sq', 'ema', 'target'] as const
export const PART_ARRAYS = ['parameters', 'exp_avg', 'exp_avg_sq'] as const
const ARRAYS = [...HELD_ARRAYS, 'best'] as const
/** Every array of a state, in order, by its name in the file. */
export const namedArrays = (arrays: TrainingArrays): [name: string, array: Float32Array][] => [
  ...ARRAYS.flatMap((name): [string, Float32Array][] => {
    const array = arrays[name]
    return array ? [[name, array]] : []
  }),
  ...Object.entries(arrays.parts ?? {}).flatMap(([part, its]) =>
    PART_ARRAYS.map((name): [string, Float32Array] => [`${part}.${name}`, its[name]]),
  ),
]

/** sha256 of all that a state holds: the counters' JSON, and each array with its name and length. */
const hashOf = (json: string, arrays: readonly (readonly [name: string, array: Float32Array])[]): string => {
  const hash = createHash('sha256').update(json)
  for (const [name, { buffer, byteOffset, byteLength }] of arrays)
    hash.update(`\0${name}\0${byteLength}\0`).update(new Uint8Array(buffer, byteOffset, byteLength))
  return hash.digest('hex')
}

/** Writes the state whole or not at all, with a hash of what it holds, and keeps the one before. */
export const saveState = async (
  directory: string,
  arrays: TrainingArrays,
  progress: Progress,
): Promise<void> => {
  const json = JSON.stringify(progress)
  const named = namedArrays(arrays)
  const bytes = serializeSafetensors(
    named.map(([name, data]) => ({ name, dtype: 'F32' as const, shape: [data.length], data })),
    { progress: json, sha256: hashOf(json, named) },
  )
  const path = join(directory, STATE_FILE)
  const previous = join(directory, PREVIOUS_STATE_FILE)
  if (existsSync(path)) {
    await rm(previous, { force: true })
    // Not every file system has links.
    await link(path, previous).catch(() => copyFile(path, previous))
  }
  await writeFileAtomic(path, bytes)
  await writeFileAtomic(join(directory, PROGRESS_FILE), `${json}\n`)
}

/**
 * Reads the state into `arrays`; undefined if there is none.
 *
 * @throws UserError if the file is damaged, or belongs to another network, or is missing where the state before it is there.
 */
export const loadState = async (directory: string, arrays: TrainingArrays): Promise<Progress | undefined> => {
  const path = join(directory, STATE_FILE)
  const previous = join(directory, PREVIOUS_STATE_FILE)
  if (!existsSync(path) && !existsSync(previous)) return undefined
  const remedy = (await isSound(previous, arrays))
    ? `move ${PREVIOUS_STATE_FILE} ${existsSync(path) ? 'over it' : 'to its place'} to go on from the state before, or start over with \`force\``
    : 'start over with `force`'
  const damaged: Damaged = (message, cause) => new UserError(message, { remedy, cause })
  if (!existsSync(path)) throw damaged(`${path} is missing, though the state before it is there`)
  const { tensors, metadata } = parsed(await readBytes(path, 'training state'), path, damaged)
  const named = namedArrays(arrays)
  const stored = named.map(([name, array]): [string, Float32Array] => {
    const entry = tensors.get(name)
    if (entry?.dtype !== 'F32' || entry.shape.length !== 1 || entry.shape[0] !== array.length)
      throw damaged(
        `${path}: ${name} has ${entry ? `the shape [${entry.shape.join(', ')}] in ${entry.dtype}` : 'no values'}, expected [${array.length}] in F32`,
      )
    return [name, toFloat32(entry)]
  })
  checkHash(metadata, stored, path, damaged)
  for (const [i, [name, values]] of stored.entries()) {
    const bad = values.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0) throw damaged(`${path}: ${name} holds ${values[bad]} at position ${bad}`)
    named[i]![1].set(values)
  }
  const progress = progressOf(metadata.progress)
  if (!progress) throw damaged(`${path}: the progress record is damaged`)
  return progress
}

/** Whether a state of such arrays is there, and is what was written. */
const isSound = async (path: string, arrays: TrainingArrays): Promise<boolean> => {
  if (!existsSync(path)) return false
  try {
    const { tensors, metadata } = parseSafetensors(await readBytes(path, 'training state'), path)
    const stored = namedArrays(arrays).map(([name]) => [name, toFloat32(tensors.get(name)!)] as const)
    const { sha256, progress = '' } = metadata
    return progressOf(progress) !== undefined && (sha256 === undefined || sha256 === hashOf(progress, stored))
  } catch {
    return false
  }
}

type Damaged = (message: string, cause?: unknown) => UserError

/**
 * States of earlier versions have no hash, and are read without. A record of another name is damage: it may be the hash itself
 * whose name was hit.
 */
const checkHash = (
  { progress = '', sha256, ...others }: Readonly<Record<string, string>>,
  arrays: readonly (readonly [name: string, array: Float32Array])[],
  path: string,
  damaged: Damaged,
): void => {
  const [strange] = Object.keys(others)
  if (strange !== undefined) throw damaged(`${path}: the record ${JSON.stringify(strange)} is unknown`)
  if (sha256 !== undefined && sha256 !== hashOf(progress, arrays))
    throw damaged(`${path} is damaged: its hash is not that of what it holds`)
}

const parsed = (bytes: Uint8Array, path: string, damaged: Damaged) => {
  try {
    return parseSafetensors(bytes, path)
  } catch (error) {
    throw error instanceof UserError ? damaged(error.message, error) : error
  }
}

/** The counters and the log that were last written; undefined if they cannot be read. */
export const readProgress = async (directory: string): Promise<Progress | undefined> => {
  const path = join(directory, PROGRESS_FILE)
  if (!existsSync(path)) return undefined
  return progressOf(new TextDecoder().decode(await readBytes(path, 'progress')))
}

const progressOf = (json: string | undefined): Progress | undefined => {
  try {
    return progressSchema.parse(JSON.parse(json ?? ''))
  } catch {
    return undefined
  }
}
