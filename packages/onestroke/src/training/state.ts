/** The state of a run on disk: everything needed to go on as if nothing had happened. */
import { existsSync } from 'node:fs'
import { link, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseSafetensors, serializeSafetensors, toFloat32, UserError } from '@onestroke/core/formats'
import { readBytes, writeFileAtomic } from '../formats/index.js'
import type { TrainingArrays } from './optimizer.js'

export const STATE_FILE = 'state.safetensors'
/** The state before the last one, in case the last one turns out to be unusable. */
export const PREVIOUS_STATE_FILE = 'state.previous.safetensors'

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
  /** Pictures in the whole training, once known. */
  images: number
  /** Seconds of training, over all sittings. */
  seconds: number
  /** Steps that were left out because the gradient was not finite. */
  skipped_steps: number
  log: LogPoint[]
  /** Sums for the next line of the log. */
  pending: { steps: number; loss: number; gradient_norm: number }
}

const ARRAYS = ['parameters', 'exp_avg', 'exp_avg_sq', 'ema'] as const

/** Writes the state whole or not at all, and keeps the one before. */
export const saveState = async (
  directory: string,
  arrays: TrainingArrays,
  progress: Progress,
): Promise<void> => {
  const bytes = serializeSafetensors(
    ARRAYS.map((name) => ({ name, dtype: 'F32' as const, shape: [arrays[name].length], data: arrays[name] })),
    { progress: JSON.stringify(progress) },
  )
  const path = join(directory, STATE_FILE)
  const previous = join(directory, PREVIOUS_STATE_FILE)
  if (existsSync(path)) {
    await rm(previous, { force: true })
    await link(path, previous)
  }
  await writeFileAtomic(path, bytes)
}

/**
 * Reads the state into `arrays`.
 *
 * @throws UserError if the file is damaged or belongs to another network.
 */
export const loadState = async (directory: string, arrays: TrainingArrays): Promise<Progress | undefined> => {
  const path = join(directory, STATE_FILE)
  if (!existsSync(path)) return undefined
  const remedy = `move ${PREVIOUS_STATE_FILE} over it to go on from the state before, or start over with --force`
  const { tensors, metadata } = parseSafetensors(await readBytes(path, 'training state'), path)
  for (const name of ARRAYS) {
    const entry = tensors.get(name)
    if (entry?.shape[0] !== arrays[name].length)
      throw new UserError(
        `${path}: ${name} has ${entry?.shape[0] ?? 'no'} values, ${arrays[name].length} expected`,
        { remedy },
      )
    arrays[name].set(toFloat32(entry))
  }
  try {
    return JSON.parse(metadata.progress!) as Progress
  } catch {
    throw new UserError(`${path}: the progress record is damaged`, { remedy })
  }
}
