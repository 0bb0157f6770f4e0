import { UserError } from '@onestroke/core/formats'
import { type PictureSize, square } from '@onestroke/core/picture'
import type { DataOptions, Dataset, LoadOptions } from './dataset.js'
import { archivesOf, expectFolder, KINDS, tidyPath } from './paths.js'

const MAX_RESOLUTION = 4096

/**
 * Reads pictures into memory. `spec` is one of
 *
 * - `iconify:NAME[,NAME…]`: icon sets of @iconify-json that are installed,
 * - a folder of pictures, with class sub-folders, or captions in `name.txt`, `metadata.jsonl` and others,
 * - `idx:DIR`: MNIST's format,
 * - `tar:FILE[,FILE…]`: WebDataset archives, plain or gzipped; also a folder of them, or `{00000..00012}.tar`, `*.tar`.
 *
 * The same spec and files give the same dataset, in the same order.
 *
 *     const { pixels, names } = await loadDataset('iconify:fluent-emoji-flat', { resolution: 16 })
 *
 * @throws UserError that says what is missing, malformed or too large.
 */
export async function loadDataset(spec: string, asked: DataOptions = {}): Promise<Dataset> {
  const [, kind = '', rest = ''] = /^([a-z]{2,}):(.*)$/s.exec(spec) ?? []
  checkOptions(kind, asked)
  const { resolution, ...others } = asked
  const options: LoadOptions =
    resolution === undefined ? others : { ...others, resolution: sidesOf(resolution) }
  // Loaders are imported when they are needed: what reads no files, as workers that prepare pictures, starts without sharp.
  if (kind === 'iconify' && rest !== '') {
    const { loadIconify } = await import('./iconify.js')
    return loadIconify(rest, spec, options)
  }
  if (kind === 'idx' && rest !== '') {
    await expectFolder(rest)
    const { loadMnist } = await import('./mnist.js')
    return loadMnist(rest, `idx:${tidyPath(rest)}`, options)
  }
  if (kind === 'tar' && rest !== '') {
    const files = await archivesOf(rest)
    const { loadTar } = await import('./tar.js')
    return loadTar(files, `tar:${tidyPath(rest)}`, options)
  }
  if (spec === '' || kind === 'iconify' || kind === 'idx' || kind === 'tar')
    throw new UserError(`"${spec}" names no data`, { exitCode: 2, remedy: `DATA is ${KINDS}` })
  await expectFolder(spec)
  const { loadFolder } = await import('./folder.js')
  return loadFolder(spec, tidyPath(spec), options)
}

const sidesOf = (resolution: number | PictureSize): PictureSize =>
  typeof resolution === 'number' ? square(resolution) : { height: resolution.height, width: resolution.width }

const checkOptions = (kind: string, { resolution, channels, limit, category, part }: DataOptions): void => {
  const wrong = (text: string): never => {
    throw new UserError(text, { exitCode: 2 })
  }
  const sides = resolution === undefined ? [] : Object.values(sidesOf(resolution))
  for (const side of sides)
    if (!(Number.isInteger(side) && side >= 1 && side <= MAX_RESOLUTION))
      wrong(
        `resolution: expected an integer from 1 to ${MAX_RESOLUTION}, or a height and a width, found ${side}`,
      )
  if (channels !== undefined && channels !== 1 && channels !== 3)
    wrong(`channels: expected 1 or 3, found ${channels}`)
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1))
    wrong(`limit: expected an integer ≥ 1, found ${limit}`)
  if (category && category.length > 0 && kind !== 'iconify') wrong('only iconify:NAME has categories')
  if (part !== undefined && kind !== 'tar') wrong('only samples of tar:FILE have parts')
}
