/** Compares files and folders by where they really are, after all links. */
import { realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'

/** A path with all links followed. For a path that does not exist yet, the folders that exist are resolved. */
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
