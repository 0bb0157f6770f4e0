import { UserError } from '@onestroke/core/errors'
import type { DataOptions, Dataset } from './dataset.js'
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
export async function loadDataset(spec: string, options: DataOptions = {}): Promise<Dataset> {
  const [, kind = '', rest = ''] = /^([a-z]{2,}):(.*)$/s.exec(spec) ?? []
  checkOptions(kind, options)
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
    throw new UserError(`"${spec}" names no data`, { option: 'data', remedy: `\`data\` is ${KINDS}` })
  await expectFolder(spec)
  const { loadFolder } = await import('./folder.js')
  return loadFolder(spec, tidyPath(spec), options)
}

const checkOptions = (kind: string, { resolution, channels, limit, category, part }: DataOptions): void => {
  const wrong = (option: string, text: string): never => {
    throw new UserError(text, { option })
  }
  if (
    resolution !== undefined &&
    !(Number.isInteger(resolution) && resolution >= 1 && resolution <= MAX_RESOLUTION)
  )
    wrong(
      'resolution',
      `\`resolution\`: expected an integer from 1 to ${MAX_RESOLUTION}, found ${resolution}`,
    )
  if (channels !== undefined && channels !== 1 && channels !== 3)
    wrong('channels', `\`channels\`: expected 1 or 3, found ${channels}`)
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1))
    wrong('limit', `\`limit\`: expected an integer ≥ 1, found ${limit}`)
  if (category && category.length > 0 && kind !== 'iconify')
    wrong('category', 'only iconify:NAME has categories')
  if (part !== undefined && kind !== 'tar') wrong('part', 'only samples of tar:FILE have parts')
}
