/** The kinds of data: how DATA names them, their help, and what reads them. */
import type { DataOptions, Dataset, LoadOptions } from './dataset.js'
import { archivesOf, expectFolder, tidyPath } from './paths.js'

/** Options that only some kinds take, and what a kind that takes one has. */
export const OWN_OPTIONS = { category: 'categories', part: 'parts' } as const satisfies Partial<
  Record<keyof DataOptions, string>
>
export type OwnOption = keyof typeof OWN_OPTIONS

export interface DataKind {
  /** The prefix before the colon. Absent for paths, the only kind without one. */
  readonly prefix?: string
  /** How DATA is written: `tar:FILE`. */
  readonly form: string
  /** What may follow the form: more of the same. */
  readonly more?: string
  /** A few words of help, if the form does not say enough. */
  readonly brief?: string
  /** What is read, for help. */
  readonly about: string
  /** Options of its own. */
  readonly takes: readonly OwnOption[]
  /**
   * Reads it. Loaders are imported when they are needed: what reads no files, as workers that prepare pictures, starts without
   * sharp.
   *
   * @param place what stands behind the colon; never empty.
   */
  load(place: string, options: LoadOptions): Promise<Dataset>
}

export const DATA_KINDS: readonly DataKind[] = [
  {
    prefix: 'iconify',
    form: 'iconify:NAME',
    more: '[,NAME…]',
    about: 'pictures and names of an installed @iconify-json set, for instance iconify:fluent-emoji-flat',
    takes: ['category'],
    async load(sets, options) {
      const { loadIconify } = await import('./iconify.js')
      return loadIconify(sets, `iconify:${sets}`, options)
    },
  },
  {
    form: 'DIR',
    brief: 'a folder of pictures',
    about:
      'a folder of pictures: class sub-folders, or captions in NAME.txt, .caption or .json beside NAME.png, or in metadata.jsonl or metadata.csv; train/ and test/ are splits, not classes',
    takes: [],
    async load(path, options) {
      await expectFolder(path)
      const { loadFolder } = await import('./folder.js')
      return loadFolder(path, tidyPath(path), options)
    },
  },
  {
    prefix: 'idx',
    form: 'idx:DIR',
    brief: 'idx:DIR (MNIST format)',
    about: 'MNIST’s format: train-images-idx3-ubyte[.gz] and train-labels-idx1-ubyte[.gz]',
    takes: [],
    async load(path, options) {
      await expectFolder(path)
      const { loadMnist } = await import('./mnist.js')
      return loadMnist(path, `idx:${tidyPath(path)}`, options)
    },
  },
  {
    prefix: 'tar',
    form: 'tar:FILE',
    more: '[,FILE…]',
    brief: 'tar:FILE[,FILE…] (WebDataset)',
    about:
      'WebDataset archives: 0001.png, 0001.txt or 0001.cls, …; also tar:DIR, tar:{00000..00012}.tar, tar:*.tar',
    takes: ['part'],
    async load(spec, options) {
      const files = await archivesOf(spec)
      const { loadTar } = await import('./tar.js')
      return loadTar(files, `tar:${tidyPath(spec)}`, options)
    },
  },
]

/** All of them in one line, for errors. */
export const KINDS = DATA_KINDS.map(({ form, more = '', brief = form + more }) => brief).join(', ')
