/** Reads the folders of runs, during the training and after it. */
import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { UserError } from '@onestroke/core/errors'
import { isWithin } from '../formats/index.js'
import { PLAN_FILE, PROGRESS_FILE, REPORT_FILE, SAMPLES_FOLDER } from '../run-files.js'
import {
  isFinished,
  isLocked,
  type Progress,
  readPlan,
  readProgress,
  type TaskPlan,
} from '../training/index.js'
import { freeName } from './free-name.js'

export interface RunSummary {
  readonly name: string
  readonly command: TaskPlan['command']
  readonly method: string
  readonly data: string
  readonly finished: boolean
  /** Whether a process is training it. Making a finished run's report does not count. */
  readonly running: boolean
  /** Time of its last progress, in milliseconds since 1970. */
  readonly changed: number
}

export interface RunDetails extends RunSummary {
  readonly batch: number
  /** Null before the first checkpoint, and if it is damaged. */
  readonly progress: Pick<Progress, 'step' | 'images' | 'seconds' | 'log' | 'checks' | 'quarantined'> | null
  /** There is progress that cannot be read, or none though the run is done. */
  readonly damaged: boolean
  /** Whether there is a report of it. */
  readonly report: boolean
  /** Names of the grids of samples, the oldest first; each is the pictures seen and `.png`. */
  readonly samples: readonly string[]
}

/** Run folders: those given, and those in the folders given, by name, with a number where two are called the same. */
const foldersOf = async (paths: readonly string[]): Promise<Map<string, string>> => {
  const found = new Map<string, string>()
  const add = (path: string) => {
    found.set(
      freeName(basename(resolve(path)), (name) => found.has(name)),
      path,
    )
  }
  for (const path of paths) {
    if (existsSync(join(path, PLAN_FILE))) add(path)
    else
      for (const name of (await readdir(path).catch(() => [] as string[])).sort())
        if (existsSync(join(path, name, PLAN_FILE))) add(join(path, name))
  }
  return found
}

const summaryOf = async (name: string, path: string): Promise<RunSummary & { batch: number }> => {
  const { command, method, data, batch } = await readPlan(join(path, PLAN_FILE))
  const file = [PROGRESS_FILE, PLAN_FILE].map((one) => join(path, one)).find(existsSync)!
  const { mtimeMs } = await stat(file)
  const finished = isFinished(path)
  const running = !finished && (await isLocked(path))
  return {
    name,
    command,
    method,
    data: data.spec,
    finished,
    running,
    changed: mtimeMs,
    batch,
  }
}

/** All runs, those that changed last first. What cannot be read is left out. */
export const listRuns = async (paths: readonly string[]): Promise<RunSummary[]> => {
  const all = await Promise.all(
    [...(await foldersOf(paths))].map(([name, path]) => summaryOf(name, path).catch(() => undefined)),
  )
  return all.filter((run) => run !== undefined).sort((a, b) => b.changed - a.changed)
}

/** @throws UserError if there is no such run. */
export const describeRun = async (paths: readonly string[], name: string): Promise<RunDetails> => {
  const path = await runFolder(paths, name)
  const progress = await readProgress(path)
  const samples = await readdir(join(path, SAMPLES_FOLDER)).catch(() => [] as string[])
  const summary = await summaryOf(name, path)
  return {
    ...summary,
    progress: progress ?? null,
    damaged: !progress && (summary.finished || existsSync(join(path, PROGRESS_FILE))),
    report: isOwn(path, REPORT_FILE),
    samples: samples.filter((file) => isSamples(file) && isOwn(path, join(SAMPLES_FOLDER, file))).sort(),
  }
}

/** Whether a file is there, and really in the run's folder. Links to files elsewhere are not shown. */
const isOwn = (folder: string, file: string): boolean => {
  const path = join(folder, file)
  return existsSync(path) && isWithin(path, folder)
}

/** Folder of a run's report. @throws UserError if there is no such run, or it has no report of its own. */
export const reportFolder = async (paths: readonly string[], name: string): Promise<string> => {
  const folder = await runFolder(paths, name)
  if (!isOwn(folder, REPORT_FILE)) throw new UserError(`the run ${name} has no ${REPORT_FILE} in its folder`)
  return resolve(folder)
}

/** Path of a grid of samples. @throws UserError if there is no such run, or grid. */
export const samplesFile = async (
  paths: readonly string[],
  name: string,
  samples: string,
): Promise<{ folder: string; file: string }> => {
  const folder = await runFolder(paths, name)
  if (!isSamples(samples) || !isOwn(folder, join(SAMPLES_FOLDER, samples)))
    throw new UserError(`the run ${name} has no ${samples}`)
  return { folder: resolve(folder, SAMPLES_FOLDER), file: samples }
}

const isSamples = (name: string): boolean => /^\d+\.png$/.test(name)

/** Path of a run's folder. @throws UserError if there is no such run. */
export const runFolder = async (paths: readonly string[], name: string): Promise<string> => {
  const path = (await foldersOf(paths)).get(name)
  if (path === undefined) throw new UserError(`there is no run ${name}`)
  return path
}
