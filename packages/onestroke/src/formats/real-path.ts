/** Which files and folders are the same, by whatever names and links they are reached. */
import { realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'

/** Where a path leads when all its links are followed. Of what is not there yet, the folders that are there count. */
export const realPathOf = (path: string): string => {
  const whole = resolve(path)
  try {
    return realpathSync.native(whole)
  } catch {
    const above = dirname(whole)
    return above === whole ? whole : join(realPathOf(above), basename(whole))
  }
}

/** Whether two paths lead to one place. */
export const isSamePath = (a: string, b: string): boolean => realPathOf(a) === realPathOf(b)

/** Whether a path leads to a folder, or to something inside it. */
export const isWithin = (inner: string, folder: string): boolean => {
  const way = relative(realPathOf(folder), realPathOf(inner))
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}
