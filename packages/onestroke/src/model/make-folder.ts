import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { UserError } from '@onestroke/core/errors'

const REASONS: Record<string, string> = {
  EACCES: 'permission denied',
  EEXIST: 'a link that leads nowhere is in its place',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the disk',
  ENAMETOOLONG: 'the name is too long',
  ENOTDIR: 'a part of the path is not a folder',
  ENOENT: 'nothing can be made there',
}

/**
 * Makes a folder, and those above it that are missing. (Node's own `recursive` never returns in places where folders
 * cannot be made, such as /proc.)
 *
 * @throws UserError that says why it cannot be made.
 */
export const makeFolder = async (path: string): Promise<void> => {
  if (await isThere(path)) return
  try {
    await mkdir(path)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await isThere(path))) return
    const above = dirname(path)
    if (code !== 'ENOENT' || above === path || (await isThere(above))) {
      if (!(code in REASONS)) throw error
      throw new UserError(`cannot make the folder ${path}: ${REASONS[code]}`, { cause: error })
    }
    await makeFolder(above)
    await makeFolder(path)
  }
}

/** @throws UserError if something else is there. */
const isThere = async (path: string): Promise<boolean> => {
  const found = await stat(path).catch(() => undefined)
  if (found && !found.isDirectory())
    throw new UserError(`${path} is a file, where a folder is needed`, { option: 'out' })
  return found !== undefined
}
