/** Finds the files that DATA names, or says which are missing. */
import type { Stats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, normalize } from 'node:path'
import { UserError } from '@onestroke/core/errors'
import { glob } from 'glob'
import { braceExpand } from 'minimatch'
import { byCodeUnit } from './dataset.js'

/** The error if there is no data at DATA's path. `loadDataset` adds the forms of DATA. */
export class NoData extends UserError {}

/** Normalises a path: `./photos/` becomes `photos`. */
export const tidyPath = (path: string): string => normalize(path).replace(/(?<=.)[/\\]+$/, '')

/** @throws UserError if the path is not there, or no folder. */
export const expectFolder = async (path: string): Promise<void> => {
  if (!(await statOf(path)).isDirectory()) throw wrongKind(path, 'folder')
}

/**
 * The archives that are meant: a file, a folder of archives, or several of them by commas, braces
 * (`{00000..00012}.tar`) or wildcards (`*.tar`), each once, in their order.
 *
 * @throws UserError if there are none, or one is not there.
 */
export const archivesOf = async (spec: string): Promise<string[]> => {
  if (await exists(spec)) return archivesAt(spec)
  const files: string[] = []
  for (const piece of spec.split(/,(?![^{]*\})|::/).map((one) => one.trim().replace(/^tar:/, ''))) {
    if (piece === '') continue
    for (const path of (await exists(piece)) ? [piece] : braceExpand(piece)) {
      if (!/[*?[]/.test(path) || (await exists(path))) {
        files.push(...(await archivesAt(path)))
        continue
      }
      const found = (await glob(path, { nodir: true })).sort(byCodeUnit)
      if (found.length === 0) throw missing(`nothing is called ${path}`)
      files.push(...found)
    }
  }
  if (files.length === 0) throw missing(`there is no ${spec}`)
  return [...new Set(files)]
}

const ARCHIVE = /\.(tar|tar\.gz|tgz)$/i
export const isArchiveName = (file: string): boolean => ARCHIVE.test(file)

const archivesAt = async (path: string): Promise<string[]> => {
  const found = await statOf(path)
  if (found.isFile()) return [path]
  if (!found.isDirectory()) throw wrongKind(path, 'file')
  const archives = (await readdir(path)).filter((name) => isArchiveName(name) && !name.startsWith('.'))
  if (archives.length === 0)
    throw new UserError(`no archives in ${path}`, {
      option: 'data',
      remedy: 'an archive’s name ends in .tar, .tar.gz or .tgz',
    })
  return archives.sort(byCodeUnit).map((name) => join(path, name))
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

const statOf = (path: string): Promise<Stats> =>
  stat(path).catch((cause: NodeJS.ErrnoException) => {
    const gone = cause.code === 'ENOENT' || cause.code === 'ENOTDIR'
    throw gone
      ? missing(`there is no ${path}`, cause)
      : new NoData(`cannot open ${path}: ${cause.code}`, { cause })
  })

const missing = (message: string, cause?: Error): NoData => new NoData(message, { cause, option: 'data' })

const wrongKind = (path: string, kind: 'file' | 'folder'): NoData =>
  new NoData(`${path} is not a ${kind}`, { option: 'data' })
