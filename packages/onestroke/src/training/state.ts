/** The state of a run on disk: everything needed to go on as if nothing had happened. */
import { existsSync } from 'node:fs'
import { copyFile, link, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseSafetensors, serializeSafetensors, toFloat32, UserError } from '@onestroke/core/formats'
import { z } from 'zod'
import { readBytes, writeFileAtomic } from '../formats/index.js'
import type { TrainingArrays } from './optimizer.js'

export const STATE_FILE = 'state.safetensors'
/** The state before the last one, in case the last one turns out to be unusable. */
export const PREVIOUS_STATE_FILE = 'state.previous.safetensors'
/** A copy of the counters and the log that stays when the run is done: for reports, and to look at. */
export const PROGRESS_FILE = 'progress.json'

/** One line of the loss curve: means over the pictures since the line before. */
export interface LogPoint {
  readonly images: number
  readonly loss: number
  readonly gradient_norm: number
  readonly learning_rate: number
}

/** What is not an array: counters and the log. */
export interface Progress {
  /** Steps done. */
  step: number
  /** Pictures in the whole training, once known; 0 before. */
  images: number
  /** Seconds of training, over all sittings. */
  seconds: number
  /** Steps that were left out because the gradient was not finite. */
  skipped_steps: number
  log: LogPoint[]
  /** Sums for the next line of the log. */
  pending: { steps: number; loss: number; gradient_norm: number }
}

const count = z.int().nonnegative()
const progressSchema = z.object({
  step: count,
  images: count,
  seconds: z.number(),
  skipped_steps: count,
  log: z.array(
    z.object({ images: count, loss: z.number(), gradient_norm: z.number(), learning_rate: z.number() }),
  ),
  pending: z.object({ steps: count, loss: z.number(), gradient_norm: z.number() }),
})

const ARRAYS = ['parameters', 'exp_avg', 'exp_avg_sq', 'ema'] as const

/** Writes the state whole or not at all, and keeps the one before. */
export const saveState = async (
  directory: string,
  arrays: TrainingArrays,
  progress: Progress,
): Promise<void> => {
  const json = JSON.stringify(progress)
  const bytes = serializeSafetensors(
    ARRAYS.map((name) => ({ name, dtype: 'F32' as const, shape: [arrays[name].length], data: arrays[name] })),
    { progress: json },
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
 * @throws UserError if the file is damaged or belongs to another network.
 */
export const loadState = async (directory: string, arrays: TrainingArrays): Promise<Progress | undefined> => {
  const path = join(directory, STATE_FILE)
  if (!existsSync(path)) return undefined
  const remedy = existsSync(join(directory, PREVIOUS_STATE_FILE))
    ? `move ${PREVIOUS_STATE_FILE} over it to go on from the state before, or start over with --force`
    : 'start over with --force'
  const damaged = (message: string, cause?: unknown) => new UserError(message, { remedy, cause })
  const { tensors, metadata } = parsed(await readBytes(path, 'training state'), path, damaged)
  for (const name of ARRAYS) {
    const entry = tensors.get(name)
    if (entry?.dtype !== 'F32' || entry.shape.length !== 1 || entry.shape[0] !== arrays[name].length)
      throw damaged(
        `${path}: ${name} has ${entry ? `the shape [${entry.shape.join(', ')}] in ${entry.dtype}` : 'no values'}, expected [${arrays[name].length}] in F32`,
      )
    const values = toFloat32(entry)
    const bad = values.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0) throw damaged(`${path}: ${name} holds ${values[bad]} at position ${bad}`)
    arrays[name].set(values)
  }
  const progress = progressOf(metadata.progress)
  if (!progress) throw damaged(`${path}: the progress record is damaged`)
  return progress
}

const parsed = (bytes: Uint8Array, path: string, damaged: (message: string, cause: unknown) => UserError) => {
  try {
    return parseSafetensors(bytes, path)
  } catch (error) {
    throw error instanceof UserError ? damaged(error.message, error) : error
  }
}

/** The counters and the log as they were last written; undefined if they cannot be read. */
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
