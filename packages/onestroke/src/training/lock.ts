/**
 * One process at a time works on a run.
 *
 * A lock is a file that appears with all that it says: a temporary one is filled, and linked to its name, which fails if there is
 * one already. A lock whose process is gone is stale, and is removed by one process alone, which holds a lock of its own on the
 * stale one's id while it does so: otherwise a second one, that looked a little earlier, would remove the first one's new lock.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync, rmSync } from 'node:fs'
import { link, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { UserError } from '@onestroke/core/errors'
import { z } from 'zod'
import { systemError } from '../formats/index.js'
import { makeFolder } from '../model/index.js'
import { LOCK_FILE } from '../run-files.js'

const text = z.string().nullable()
const ownerSchema = z.object({
  /** A word that only this lock has. */
  id: z.string(),
  pid: z.int().positive(),
  host: z.string(),
  /** Identifies the boot of the host and its namespace of process ids (containers have their own); null if unknown. */
  boot: text,
  namespace: text,
  /** Start time of the process, because its id may be reused; null if unknown. */
  started: text,
  /** When the lock was made. */
  since: z.string(),
})
type Owner = z.infer<typeof ownerSchema>

/**
 * Keeps other processes away from a run's folder, until the function that is returned is called or the process ends. A
 * lock whose process is gone counts as none.
 *
 * @throws UserError if another process holds it, or may, on another host; or if the folder cannot be made or written to.
 */
export const lockRun = async (directory: string): Promise<() => Promise<void>> => {
  await makeFolder(directory)
  const path = join(directory, LOCK_FILE)
  const owner = await acquire(path)
  for (const name of await readdir(directory))
    if (STALE_LOCK.test(name)) await rm(join(directory, name), { force: true })
  const remove = () => {
    if (ownerIn(readSync(path))?.id === owner.id) rmSync(path, { force: true })
  }
  process.once('exit', remove)
  return async () => {
    process.off('exit', remove)
    remove()
  }
}

/** Names of locks on stale locks. They can be removed once there is a new lock. */
const STALE_LOCK = /^\.lock\.[\w-]+$/

/** Milliseconds between two checks of a lock that another process is making or removing. */
const LOOK = 20

const acquire = async (path: string): Promise<Owner> => {
  const owner: Owner = { id: randomUUID(), pid: process.pid, ...here(), since: new Date().toISOString() }
  while (!(await place(path, JSON.stringify(owner)))) {
    const found = await lockAt(path)
    if (found === 'none') continue
    if (found === 'in the making') await setTimeout(LOOK)
    // A file server's answer may be lost. The second try then finds the link that the first one made.
    else if (found.id === owner.id) break
    else if (found.owner && isAlive(found.owner)) throw held(path, found.owner)
    else await removeStale(path, found.id)
  }
  return owner
}

/** Removes a stale lock, unless another process is doing so: then waits a little. */
const removeStale = async (path: string, id: string): Promise<void> => {
  const right = join(dirname(path), `${LOCK_FILE}.${id}`)
  try {
    await acquire(right)
  } catch (error) {
    if (!(error instanceof LockedError)) throw error
    await setTimeout(LOOK)
    return
  }
  const found = await lockAt(path)
  // No other process may remove it now, but one may have done so before.
  if (typeof found === 'object' && found.id === id) await rm(path, { force: true })
  await rm(right, { force: true })
}

class LockedError extends UserError {}

const held = (path: string, { pid, host, namespace, since }: Owner): LockedError => {
  const own = here()
  const elsewhere =
    host !== own.host ? ` on ${host}` : namespace !== own.namespace ? ' in another container' : ''
  return new LockedError(
    `process ${pid}${elsewhere} is working on the run in ${dirname(path)}, since ${since}`,
    {
      remedy: `wait for it, stop it with Ctrl-C, or choose another \`out\` (if that process is gone, delete ${path})`,
    },
  )
}

/** Makes a file with this content; false if there is one already. */
const place = async (path: string, content: string): Promise<boolean> => {
  const temporary = `${path}.${randomUUID()}.${process.pid}.tmp`
  try {
    await writeFile(temporary, content)
    await link(temporary, path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (WITHOUT_LINKS.has(code)) return create(path, content)
    throw systemError(`cannot write ${path}`, error, 'its folder does not exist')
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Error codes of file systems without links. Locks there are empty for a moment, see `YOUNG`. */
const WITHOUT_LINKS = new Set<string | undefined>(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

const create = async (path: string, content: string): Promise<boolean> => {
  try {
    const file = await open(path, 'wx')
    await file.writeFile(content).finally(() => file.close())
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw systemError(`cannot write ${path}`, error, 'its folder does not exist')
  }
}

/** Milliseconds for which an empty lock counts as being made. */
const YOUNG = 5000

type Lock = { readonly id: string; readonly owner?: Owner }

/** The lock in a file. A damaged lock has no owner, and is identified by its time of writing. */
const lockAt = async (path: string): Promise<Lock | 'none' | 'in the making'> => {
  try {
    const owner = ownerIn(await readFile(path, 'utf8'))
    if (owner) return { id: owner.id, owner }
    const { ino, mtimeMs } = await stat(path)
    return Math.abs(Date.now() - mtimeMs) < YOUNG ? 'in the making' : { id: `${ino}-${Math.round(mtimeMs)}` }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'none'
    throw systemError(`cannot read ${path}`, error, 'no such file')
  }
}

const ownerIn = (content: string | undefined): Owner | undefined => {
  try {
    return ownerSchema.parse(JSON.parse(content ?? ''))
  } catch {
    return undefined
  }
}

/** Whether a process is known to work on the run in a folder. */
export const isLocked = async (directory: string): Promise<boolean> => {
  const owner = ownerIn(readSync(join(directory, LOCK_FILE)))
  return owner !== undefined && isAlive(owner)
}

/** Whether an owner is alive, or may be: processes of other hosts and other containers cannot be seen from here. */
const isAlive = ({ pid, host, boot, namespace, started }: Owner): boolean => {
  const own = here()
  if (host !== own.host) return true
  if (boot !== own.boot) return false
  if (namespace !== own.namespace) return true
  if (!isRunning(pid)) return false
  return started === null || startOf(pid) === started
}

/** Whether there is a process of this id, also of another user. */
export const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const here = (): Pick<Owner, 'host' | 'boot' | 'namespace' | 'started'> => ({
  host: hostname(),
  boot: readSync('/proc/sys/kernel/random/boot_id')?.trim() ?? null,
  namespace: namespaceOf('/proc/self/ns/pid'),
  started: startOf(process.pid),
})

const namespaceOf = (path: string): string | null => {
  try {
    return readlinkSync(path)
  } catch {
    return null
  }
}

/** Start time of a process in ticks since boot (proc(5)); null if unknown, or for a zombie. */
const startOf = (pid: number): string | null => {
  const fields = readSync(`/proc/${pid}/stat`)?.split(') ').at(-1)?.split(' ')
  return fields && fields[0] !== 'Z' ? (fields[19] ?? null) : null
}

const readSync = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
