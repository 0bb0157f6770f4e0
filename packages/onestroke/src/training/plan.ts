/**
 * What a run was asked to do: everything that decides its result, written to `run.json` in the run's folder when it
 * starts. The same command on the folder resumes it; another one is an error that names what differs.
 */
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '@onestroke/core/formats'
import { readBytes, writeFileAtomic } from '../formats/index.js'
import { CONFIG_FILE } from '../model/index.js'
import type { OptimizerOptions } from './optimizer.js'
import type { ScheduleOptions } from './schedule.js'

export const PLAN_FILE = 'run.json'

export interface RunPlan {
  readonly command: 'train' | 'distill'
  readonly data: { readonly spec: string; readonly sha256: string; readonly images: number }
  /** sha256 of the teacher's weights. */
  readonly teacher: string | null
  readonly preset: string
  readonly method: string
  readonly method_options: Readonly<Record<string, unknown>>
  readonly sigma_min: number
  readonly sigma_max: number
  readonly batch: number
  /** Length of the training: pictures, or minutes, of which the other is null. */
  readonly images: number | null
  readonly minutes: number | null
  readonly seed: number
  /** Guidance scale of the teacher while distilling. */
  readonly guidance_scale: number
  readonly condition_dropout: number
  readonly word_dropout: number
  readonly flip: boolean
  readonly translate: number
  readonly optimizer: OptimizerOptions
  /** `ema_half_life` null: a fiftieth of the training, at least 2,000 pictures. */
  readonly schedule: Omit<ScheduleOptions, 'ema_half_life'> & { readonly ema_half_life: number | null }
}

/** What stands in a run's folder. */
export type RunStatus = 'new' | 'unfinished' | 'finished'

/**
 * Opens the folder of a run: writes the plan, or compares it with the one that is there.
 *
 * @param force throws away what is there.
 * @throws UserError if another run lives there, or the folder holds something else.
 */
export const openRun = async (directory: string, plan: RunPlan, force: boolean): Promise<RunStatus> => {
  const path = join(directory, PLAN_FILE)
  if (force) for (const name of RUN_FILES) await rm(join(directory, name), { force: true })
  if (existsSync(path)) {
    compare(await readPlan(path), plan, directory)
    return existsSync(join(directory, CONFIG_FILE)) ? 'finished' : 'unfinished'
  }
  if (existsSync(join(directory, CONFIG_FILE)))
    throw new UserError(`${directory} already holds a model`, {
      remedy: 'choose another --out, or --force to replace it',
    })
  await mkdir(directory, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new UserError(`cannot make the folder ${directory}: ${cause.code}`, { cause })
  })
  await writeFileAtomic(path, `${JSON.stringify(plan, null, 2)}\n`)
  return 'new'
}

const RUN_FILES = [
  PLAN_FILE,
  CONFIG_FILE,
  'model.safetensors',
  'state.safetensors',
  'state.previous.safetensors',
  'report.html',
  'report.json',
]

const readPlan = async (path: string): Promise<RunPlan> => {
  try {
    return JSON.parse(new TextDecoder().decode(await readBytes(path, 'run'))) as RunPlan
  } catch (cause) {
    if (cause instanceof UserError) throw cause
    throw new UserError(`${path} is damaged`, { remedy: 'start over with --force', cause })
  }
}

const compare = (there: RunPlan, asked: RunPlan, directory: string): void => {
  const [a, b] = [flatten(there), flatten(asked)]
  const differences = [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((key) => a[key] !== b[key])
    .map((key) => `${key} was ${a[key] ?? 'not there'} and is now ${b[key] ?? 'not there'}`)
  if (differences.length > 0)
    throw new UserError(`the run in ${directory} was started with other options: ${differences.join('; ')}`, {
      remedy: 'give the same options to resume it, another --out, or --force to start over',
      exitCode: 2,
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
