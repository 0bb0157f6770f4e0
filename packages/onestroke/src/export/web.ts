/** What makes an export a page by itself: the web runtime and what it runs on, as the build bundled them. */
import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { UserError } from '@onestroke/core/errors'
import { graphEntries, type Manifest } from '@onestroke/core/pipeline'
import { builtUrl } from '../built.js'
import { writeFileAtomic } from '../formats/index.js'
import { makeFolder } from '../model/index.js'
import { foreign, holds } from './free-folder.js'
import { MANIFEST_FILE } from './load.js'

/** A file's bytes, as they are and as servers send them. */
interface Weight {
  readonly bytes: number
  readonly gzip: number
}

/** onnxruntime-web's builds: for WebAssembly alone; with WebGPU, where WebAssembly can wait for promises (JSPI), and elsewhere. */
type Runtime = 'wasm' | 'jspi' | 'asyncify'

/** A file of the bundle; the runtime with which alone it is loaded, if it is not always. */
interface WebFile extends Weight {
  readonly file: string
  readonly runtime: Runtime | null
}

/** What a folder for the web weighs: whole, and as much of it as a browser loads with each runtime. */
export type WebWeight = { readonly bytes: number } & Readonly<Record<Runtime, Weight>>

/** The bundle's own folder in an export. */
const RUNTIME = 'runtime'
/** The bundle's page, and how it is told from others. */
const [PAGE, MARK] = ['index.html', '<meta name="generator" content="onestroke export"']

/**
 * What there is to copy.
 *
 * @param unfinished whether an export that was not finished left what is there.
 * @param list of the bundle's files.
 * @throws UserError if it was not built, or if the folder holds somebody else's page.
 */
export const webFiles = async (
  out: string,
  { unfinished = false, list = builtUrl(import.meta.url, '../web.json') } = {},
): Promise<readonly WebFile[]> => {
  const files = await bundled(list)
  const there = (name: string) => existsSync(join(out, name))
  // An earlier export for the web has the element's script beside its manifest. Its page may have given way to another.
  const earlier = unfinished || [MANIFEST_FILE, 'onestroke.js'].every(there)
  const ownPage = there(PAGE) && (await holds(join(out, PAGE), MARK))
  const names = new Set(files.map(({ file }) => file.split('/')[0]!))
  for (const name of names)
    if (there(name) && !(name === PAGE ? ownPage : earlier)) throw foreign(join(out, name))
  return files
}

const bundled = async (list: URL): Promise<readonly WebFile[]> => {
  try {
    return JSON.parse(await readFile(list, 'utf8'))
  } catch (cause) {
    throw new UserError('the files for the web have not been built', {
      cause,
      remedy: 'npm run build makes them; `target` node needs none',
    })
  }
}

/**
 * Copies the bundle into an export's folder. What an earlier version left in `runtime/` is removed.
 *
 * @throws UserError if the folder cannot be written.
 */
export const writeWeb = async (files: readonly WebFile[], out: string): Promise<void> => {
  await makeFolder(join(out, RUNTIME))
  const source = fileURLToPath(builtUrl(import.meta.url, '../web'))
  const known = new Set(files.map(({ file }) => file))
  for (const name of await readdir(join(out, RUNTIME)))
    if (!known.has(`${RUNTIME}/${name}`)) await rm(join(out, RUNTIME, name), { recursive: true })
  for (const { file } of files) {
    const path = join(out, file)
    await makeFolder(dirname(path))
    // Whole or not at all: half a page would be taken for somebody else's.
    await writeFileAtomic(path, await readFile(join(source, file)))
  }
}

/** Weighs what an export for the web wrote. */
export const weighWeb = async (
  files: readonly WebFile[],
  out: string,
  { graphs }: Manifest,
): Promise<WebWeight> => {
  const model = await Promise.all(
    [...graphEntries(graphs).map(([, { file }]) => file), MANIFEST_FILE].map(async (file) => {
      const bytes = await readFile(join(out, file))
      return { runtime: null, bytes: bytes.length, gzip: (await promisify(gzip)(bytes)).length }
    }),
  )
  const all = [...files, ...model]
  const on = (name: Runtime): Weight => {
    const loaded = all.filter(({ runtime }) => runtime === null || runtime === name)
    const sum = (key: keyof Weight) => loaded.reduce((total, weight) => total + weight[key], 0)
    return { bytes: sum('bytes'), gzip: sum('gzip') }
  }
  const bytes = all.reduce((total, { bytes }) => total + bytes, 0)
  return { bytes, wasm: on('wasm'), jspi: on('jspi'), asyncify: on('asyncify') }
}
