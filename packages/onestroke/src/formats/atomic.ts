/**
 * Files, read and written so that a crash, a full disk or a wrong path does no harm and gives a plain error. A reader
 * of a file that `writeFileAtomic` writes sees the whole old one or the whole new one, at any moment, also
 * after a power cut.
 */

import { open, readFile, readlink, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { UserError } from '@onestroke/core/errors'

/**
 * Writes `data` to a temporary sibling (`.NAME.PID.tmp`), makes it durable, and renames it to `path`. On failure
 * the sibling is removed and `path` is as it was; errors that the user can mend become a `UserError`. Writes to one path happen one after another, in the order of the calls. A link is followed, a file keeps
 * its mode, and a device or pipe is written to rather than replaced; `/dev/stdout` is our own standard output, whatever that is.
 *
 *     await writeFileAtomic('run/config.json', JSON.stringify(config))
 */
export function writeFileAtomic(path: string, data: Uint8Array | string): Promise<void> {
  const key = resolve(path)
  const previous = writing.get(key) ?? Promise.resolve()
  const current = previous.catch(() => {}).then(() => write(path, data))
  writing.set(key, current)
  const forget = () => writing.get(key) === current && writing.delete(key)
  current.then(forget, forget)
  return current
}

/** The last write under way to each path. */
const writing = new Map<string, Promise<void>>()

async function write(path: string, data: Uint8Array | string): Promise<void> {
  let temporary: string | undefined
  try {
    if (/^\/(dev\/stdout|dev\/fd\/1|proc\/self\/fd\/1)$/.test(path)) return await say(data)
    const existing = await stat(path).catch(() => undefined)
    const special = existing && !existing.isFile() // a folder refuses to be opened for writing
    const target = existing?.isFile() ? await realpath(path) : existing ? path : await leadsTo(path)
    if (!special) temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`)

    const file = await open(temporary ?? path, 'w')
    try {
      await file.writeFile(data)
      if (temporary && existing) await file.chmod(existing.mode & 0o777)
      if (temporary) await file.sync()
    } finally {
      await file.close()
    }
    if (temporary) {
      await rename(temporary, target)
      temporary = undefined
      await syncFolder(dirname(target))
    }
  } catch (error) {
    if (temporary) await rm(temporary, { force: true }).catch(() => {})
    throw systemError(`cannot write ${path}`, error, 'its folder does not exist')
  }
}

const say = (data: Uint8Array | string): Promise<void> =>
  new Promise((done, failed) => process.stdout.write(data, (error) => (error ? failed(error) : done())))

/** The target of a link, also if it does not exist yet; the path itself if it is not a link. */
async function leadsTo(path: string): Promise<string> {
  const link = await readlink(path).catch(() => undefined)
  return link === undefined ? path : resolve(dirname(path), link)
}

/** Makes a rename durable, where the system can: Windows cannot open folders, nor some file systems sync them. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined)
  if (!folder) return
  try {
    await folder.sync()
  } catch (error) {
    if (codeOf(error) === 'EIO') throw error
  } finally {
    await folder.close()
  }
}

/**
 * A file's bytes. `what` says in messages what the file is for: "cannot read the model x.safetensors: no such file".
 * A pipe or a device is refused, because reading it may never end, unless `from` says that people may mean one.
 */
export async function readBytes(
  path: string,
  what: string,
  from: 'file' | 'anything' = 'file',
): Promise<Uint8Array> {
  try {
    const found = from === 'file' ? await stat(path) : undefined
    if (found?.isFile() === false && !found.isDirectory())
      throw new UserError(`cannot read ${what} ${path}: it is not a regular file`)
    return await readFile(path)
  } catch (error) {
    throw systemError(`cannot read ${what} ${path}`, error, 'no such file')
  }
}

const REASONS: Record<string, string> = {
  EACCES: 'permission denied',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file is too large for its file system',
  EIO: 'the disk reports an error',
  EISDIR: 'it is a folder',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  ENOSPC: 'no space left on the disk',
  ENOTDIR: 'a part of the path is not a folder',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ERR_FS_FILE_TOO_LARGE: 'it is larger than can be read at once',
}

/** `error` as a `UserError` if it comes from the system; unchanged if it is a bug of ours. */
export function systemError(failed: string, error: unknown, missing: string): unknown {
  const reason = systemReason(error, missing)
  return reason === undefined ? error : new UserError(`${failed}: ${reason}`, { cause: error })
}

/** The system's reason in `error`, in words; undefined if it has none. */
export function systemReason(error: unknown, missing = 'no such file'): string | undefined {
  const code = codeOf(error)
  return code === 'ENOENT' ? missing : REASONS[code ?? '']
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException | undefined)?.code
