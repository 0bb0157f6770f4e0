/** One process at a time works on a run. */
import { rmSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '@onestroke/core/formats'
import { systemError } from '../formats/index.js'
import { makeFolder } from '../model/index.js'

/** Holds the id of the process that works on the run in its folder. */
export const LOCK_FILE = '.lock'

/**
 * Keeps other processes away from a run's folder, until the function that is returned is called or the process ends. A
 * lock whose process is gone counts as none.
 *
 * @throws UserError if another process holds it, or if the folder cannot be made or written to.
 */
export const lockRun = async (directory: string): Promise<() => Promise<void>> => {
  await makeFolder(directory)
  const path = join(directory, LOCK_FILE)
  while (!(await create(path))) {
    const holder = await holderOf(path)
    if (holder && holder !== process.pid && isRunning(holder))
      throw new UserError(`process ${holder} is working on the run in ${directory}`, {
        remedy: `wait for it, stop it with Ctrl-C, or choose another --out (if it is something else, delete ${path})`,
      })
    await rm(path, { force: true })
  }
  const remove = () => rmSync(path, { force: true })
  process.once('exit', remove)
  return async () => {
    process.off('exit', remove)
    await rm(path, { force: true })
  }
}

/** Whether the file could be made; false if there is one already. */
const create = async (path: string): Promise<boolean> => {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw systemError(`cannot write ${path}`, error, 'its folder does not exist')
  }
}

/** Whether a process works on the run in a folder. */
export const isLocked = async (directory: string): Promise<boolean> => {
  const holder = await holderOf(join(directory, LOCK_FILE))
  return holder > 0 && isRunning(holder)
}

/** The process that a lock names; 0 if there is none, or no such lock. */
const holderOf = async (path: string): Promise<number> => Number(await readFile(path, 'utf8').catch(() => ''))

/** Whether a process of this id lives, be it another user's. */
export const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
