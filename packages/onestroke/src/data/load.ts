import { stat } from 'node:fs/promises'
import { normalize } from 'node:path'
import { UserError } from '@onestroke/core/formats'
import type { DataOptions, Dataset } from './dataset.js'

const KINDS = 'iconify:NAME[,NAME…], a folder of pictures, idx:DIR (MNIST format), tar:FILE (WebDataset)'
const MAX_RESOLUTION = 4096

/**
 * Reads pictures into memory. `spec` is one of
 *
 * - `iconify:NAME[,NAME…]`: icon sets of @iconify-json that are installed,
 * - a folder of pictures, with class sub-folders, or captions in `name.txt` or `metadata.jsonl`,
 * - `idx:DIR`: MNIST's format,
 * - `tar:FILE`: a WebDataset archive, plain or gzipped.
 *
 * The same spec and files give the same dataset, in the same order.
 *
 *     const { pixels, names } = await loadDataset('iconify:fluent-emoji-flat', { resolution: 16 })
 *
 * @throws UserError that says what is missing, malformed or too large.
 */
export async function loadDataset(spec: string, options: DataOptions = {}): Promise<Dataset> {
  const [, kind = '', rest = ''] = /^([a-z]{2,}):(.*)$/s.exec(spec) ?? []
  checkOptions(kind, options)
  // Loaders are imported when they are needed: what reads no files, as workers that prepare pictures, starts without sharp.
  if (kind === 'iconify' && rest !== '') {
    const { loadIconify } = await import('./iconify.js')
    return loadIconify(rest, spec, options)
  }
  if (kind === 'idx' && rest !== '') {
    await expectA('directory', rest)
    const { loadMnist } = await import('./mnist.js')
    return loadMnist(rest, `idx:${tidyPath(rest)}`, options)
  }
  if (kind === 'tar' && rest !== '') {
    await expectA('file', rest)
    const { loadTar } = await import('./tar.js')
    return loadTar(rest, `tar:${tidyPath(rest)}`, options)
  }
  if (spec === '' || kind === 'iconify' || kind === 'idx' || kind === 'tar')
    throw new UserError(`"${spec}" names no data`, { exitCode: 2, remedy: `DATA is ${KINDS}` })
  await expectA('directory', spec)
  const { loadFolder } = await import('./folder.js')
  return loadFolder(spec, tidyPath(spec), options)
}

const checkOptions = (kind: string, { resolution, channels, limit, category }: DataOptions): void => {
  const wrong = (text: string): never => {
    throw new UserError(text, { exitCode: 2 })
  }
  if (
    resolution !== undefined &&
    !(Number.isInteger(resolution) && resolution >= 1 && resolution <= MAX_RESOLUTION)
  )
    wrong(`resolution: expected an integer from 1 to ${MAX_RESOLUTION}, found ${resolution}`)
  if (channels !== undefined && channels !== 1 && channels !== 3)
    wrong(`channels: expected 1 or 3, found ${channels}`)
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1))
    wrong(`limit: expected an integer ≥ 1, found ${limit}`)
  if (category && category.length > 0 && kind !== 'iconify') wrong('only iconify:NAME has categories')
}

const expectA = async (kind: 'file' | 'directory', path: string): Promise<void> => {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const missing = cause.code === 'ENOENT' || cause.code === 'ENOTDIR'
    const message = missing ? `there is no ${path}` : `cannot open ${path}: ${cause.code}`
    throw new UserError(message, { cause, remedy: `DATA is ${KINDS}`, exitCode: missing ? 2 : 1 })
  })
  if (kind === 'file' ? found.isFile() : found.isDirectory()) return
  throw new UserError(`${path} is not a ${kind === 'file' ? 'file' : 'folder'}`, {
    exitCode: 2,
    remedy: `DATA is ${KINDS}`,
  })
}

/** One name for one path, however it is written: `./photos/` is `photos`. */
const tidyPath = (path: string): string => normalize(path).replace(/(?<=.)[/\\]+$/, '')
