/**
 * The plan of a run: everything that decides its result, written to `run.json` in the run's folder at the start. The same
 * command on the folder resumes the run; another one is an error that names the differences.
 */
import { existsSync } from 'node:fs'
import { lstat, readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { PredictionName } from '@onestroke/core/diffusion'
import { UserError } from '@onestroke/core/errors'
import type { LoraOptions, OptimizerOptions } from '@onestroke/core/nn'
import { readBytes, writeFileAtomic } from '../formats/index.js'
import { makeFolder } from '../model/index.js'
import {
  AUTOENCODER_FOLDER,
  CONFIG_FILE,
  PLAN_FILE,
  PREVIOUS_STATE_FILE,
  PROGRESS_FILE,
  REPORT_DATA_FILE,
  REPORT_FILE,
  SAMPLES_FILE,
  SAMPLES_FOLDER,
  STATE_FILE,
  WEIGHTS_FILE,
} from '../run-files.js'
import { isRunning } from './lock.js'
import type { ScheduleOptions } from './schedule.js'
import type { GuidanceScale } from './step.js'

/** What the plans of all runs say. */
export interface TaskPlan {
  readonly command: 'train' | 'distill' | 'autoencoder'
  readonly data: { readonly spec: string; readonly sha256: string; readonly images: number }
  readonly preset: string
  /** What is minimised. */
  readonly method: string
  readonly batch: number
  /** Length of the training: pictures, or minutes, of which the other is null. */
  readonly images: number | null
  readonly minutes: number | null
  readonly seed: number
  /** How often the quality is measured on the way, and the best kept. */
  readonly checks: number
  readonly flip: boolean
  readonly optimizer: OptimizerOptions
  /** `ema_half_life` null: a fiftieth of the training, at least 2,000 pictures. */
  readonly schedule: Omit<ScheduleOptions, 'ema_half_life'> & { readonly ema_half_life: number | null }
}

/** The plan of a run that trains a denoiser. */
export interface RunPlan extends TaskPlan {
  readonly command: 'train' | 'distill'
  /** sha256 of the teacher's weights. */
  readonly teacher: string | null
  /** sha256 of the weights that it begins with; absent where it begins fresh, or as its teacher. */
  readonly init_from?: string
  /** sha256 of the weights of the autoencoder in whose latents it works; absent where the teacher, or the model that it begins as, brings one. */
  readonly autoencoder?: string
  /** Adapters that are trained in place of the whole network; absent where there are none. For the library: no command sets it. */
  readonly lora?: LoraOptions
  /** What a new network predicts; absent where it is `edm`. */
  readonly prediction?: PredictionName
  readonly method_options: Readonly<Record<string, unknown>>
  /** sha256 of the network of perceptual distances; absent where there is none. */
  readonly features?: string
  readonly sigma_min: number
  readonly sigma_max: number
  /** Guidance scale of the teacher while distilling, or the range it is drawn from; then it is an input of the student. */
  readonly guidance_scale: GuidanceScale
  readonly condition_dropout: number
  readonly word_dropout: number
  /** False if a student's noise levels are not searched after the training; absent if they are. */
  readonly tune?: false
  readonly translate: number
}

/** State of a run's folder. */
export type RunStatus = 'new' | 'unfinished' | 'finished'

/**
 * Opens the folder of a run: writes the plan, or compares it with the one that is there.
 *
 * @param force throws away what a run writes, where it is there.
 * @throws UserError if another run, a model or somebody's own files of these names are there, or if nothing can be written there.
 */
export const openRun = async (directory: string, plan: TaskPlan, force: boolean): Promise<RunStatus> => {
  const path = join(directory, PLAN_FILE)
  await makeFolder(directory)
  if (force) await clear(directory)
  if (existsSync(path)) {
    compare(await readPlan(path), plan, directory)
    await removeLeftovers(directory)
    if (!isFinished(directory)) return 'unfinished'
    // A process may have been killed between the model and these.
    for (const name of [STATE_FILE, PREVIOUS_STATE_FILE]) await rm(join(directory, name), { force: true })
    return 'finished'
  }
  if (!force)
    for (const name of [...RUN_FILES, SAMPLES_FOLDER])
      if (await isHeld(join(directory, name)))
        throw new UserError(`${directory} already holds ${HELD[name] ?? `${name}, which is not of a run`}`, {
          remedy: 'choose another `out`, or `force` to replace it',
        })
  await writeFileAtomic(path, `${JSON.stringify(plan, null, 2)}\n`)
  return 'new'
}

/** Whether a folder holds a run that is done. */
export const isFinished = (directory: string): boolean =>
  [PLAN_FILE, CONFIG_FILE].every((name) => existsSync(join(directory, name)))

/** The files that a run writes beside its samples. The plan comes last: as long as it is there, what is left is known. */
const RUN_FILES = [
  CONFIG_FILE,
  WEIGHTS_FILE,
  STATE_FILE,
  PREVIOUS_STATE_FILE,
  PROGRESS_FILE,
  SAMPLES_FILE,
  REPORT_FILE,
  REPORT_DATA_FILE,
  join(AUTOENCODER_FOLDER, CONFIG_FILE),
  join(AUTOENCODER_FOLDER, WEIGHTS_FILE),
  PLAN_FILE,
]

/** Names of some of these files, in words. */
const HELD: Readonly<Record<string, string>> = {
  [CONFIG_FILE]: 'a model',
  [STATE_FILE]: `the state of a run, but no ${PLAN_FILE} that says which`,
}

/** Whether there is something at a path other than an empty folder. */
const isHeld = async (path: string): Promise<boolean> => {
  const found = await lstat(path).catch(() => undefined)
  if (!found?.isDirectory()) return found !== undefined
  return (await readdir(path)).length > 0
}

/** A grid of samples that a run keeps: the pictures seen, in ten digits or more. */
const isKeptSamples = (name: string): boolean => /^\d{10,}\.png$/.test(name)

/** Removes what a run writes, and nothing else: neither other pictures in the folder of samples, nor folders in place of files. */
const clear = async (directory: string): Promise<void> => {
  const samples = join(directory, SAMPLES_FOLDER)
  const found = await lstat(samples).catch(() => undefined)
  if (found?.isDirectory()) {
    const names = await readdir(samples)
    for (const name of names.filter(isKeptSamples)) await removeFile(join(samples, name))
    if (names.every(isKeptSamples)) await rmdir(samples).catch(() => {})
  } else if (found?.isSymbolicLink()) await rm(samples)
  for (const name of RUN_FILES) await removeFile(join(directory, name))
  // Where nothing else is in it.
  await rmdir(join(directory, AUTOENCODER_FOLDER)).catch(() => {})
}

const removeFile = async (path: string): Promise<void> => {
  const found = await lstat(path).catch(() => undefined)
  if (found && !found.isDirectory()) await rm(path, { force: true })
}

/** Removes the half-written files of a process that was killed, but not those of a running one. */
const removeLeftovers = async (directory: string): Promise<void> => {
  for (const name of await readdir(directory)) {
    const [, pid] = /^\..+\.(\d+)\.tmp$/.exec(name) ?? []
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(directory, name), { force: true })
  }
}

/** @throws UserError if it is damaged. */
export const readPlan = async (path: string): Promise<TaskPlan> => {
  const text = new TextDecoder().decode(await readBytes(path, 'run'))
  try {
    const plan: unknown = JSON.parse(text)
    if (typeof plan === 'object' && plan !== null && 'command' in plan) return plan as TaskPlan
  } catch {}
  throw new UserError(`${path} is damaged`, { remedy: 'choose another `out`, or start over with `force`' })
}

const compare = (there: TaskPlan, asked: TaskPlan, directory: string): void => {
  const [a, b] = [flatten(there), flatten(asked)]
  // The same pictures may have another path. Their hash identifies them.
  if (a['data.sha256'] === b['data.sha256']) for (const plan of [a, b]) delete plan['data.spec']
  const differences = [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((key) => a[key] !== b[key])
    .map((key) => `${key} was ${a[key] ?? 'not there'} and is now ${b[key] ?? 'not there'}`)
  if (differences.length > 0)
    throw new UserError(`the run in ${directory} was started with other options: ${differences.join('; ')}`, {
      remedy: 'give the same options to resume it, another `out`, or `force` to start over',
      option: 'out',
    })
}

/** Nested options as one level: { 'optimizer.beta1': '0.9', … }. */
const flatten = (value: unknown, prefix = ''): Record<string, string> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.assign(
        {},
        ...Object.entries(value).map(([key, inner]) => flatten(inner, prefix ? `${prefix}.${key}` : key)),
      )
    : { [prefix]: JSON.stringify(value) }
