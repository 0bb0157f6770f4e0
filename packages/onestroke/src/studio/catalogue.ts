/** The models that a studio offers: exported when they are first asked for. */
import { existsSync } from 'node:fs'
import { cp, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ModelConfig, UserError } from '@onestroke/core/formats'
import type { ExportDtype } from '@onestroke/core/pipeline'
import { guidanceOf } from '../evaluation/index.js'
import { exportModel, MANIFEST_FILE, readManifest } from '../export/index.js'
import { CONFIG_FILE, loadModel, readConfig } from '../model/index.js'
import { freeName } from './free-name.js'

/** What the page is told of a model, in `models.json`. */
interface CatalogueEntry {
  readonly name: string
  /** Path of the export's folder, from the page. */
  readonly path: string
  readonly kind: ModelConfig['kind']
  /** Name of the model that it was distilled from, where that is here too. */
  readonly teacher?: string
  /** The guidance that a student was distilled with, unless it takes it as an input. */
  readonly guidance_scale?: number
}

export interface Catalogue {
  /** The models that the last look found. */
  readonly entries: readonly CatalogueEntry[]
  /** Offers a model, and its teacher where that is found. @throws UserError if there is none at the path. */
  add(path: string): Promise<CatalogueEntry>
  /** Folders in which models are looked for: absolute paths. */
  readonly places: readonly string[]
  /** Looks for models that have come into the places. */
  look(): Promise<void>
  /** The folder of a model's export; made now if it was not, or if the model has changed since. @throws UserError if there is no such model. */
  folder(name: string): Promise<string>
}

const MODELS = fileURLToPath(new URL('../../../../models/', import.meta.url))

/** The students that come with the project, the largest first. */
export const shippedModels = (): string[] =>
  ['emoji-32-student', 'emoji-32-half', 'emoji-16-student', 'emoji-16-guided']
    .map((name) => join(MODELS, name))
    .filter(existsSync)

/** Whether the teacher is there that `onestroke demo` distils. */
export const hasDemo = (): boolean => existsSync(join(MODELS, 'emoji-16-teacher'))

interface CatalogueOptions {
  readonly teacher?: string
  /** Folder for the exports. */
  readonly work: string
  readonly dtype: ExportDtype
  /** Folders in which models are looked for again and again: what is none, or is broken, is left out. */
  readonly places?: readonly string[]
}

/**
 * Looks at models, and at what stands beside each student for its teacher.
 *
 * @throws UserError if there is a path at which no model is.
 */
export const openCatalogue = async (
  paths: readonly string[],
  { teacher, work, dtype, places = [] }: CatalogueOptions,
): Promise<Catalogue> => {
  /** Names by path: the folder's own, or with a number where two are called the same. */
  const names = new Map<string, string>()
  const nameOf = (path: string): string => {
    const taken = new Set(names.values())
    const name = names.get(path) ?? freeName(basename(path), (name) => taken.has(name))
    names.set(path, name)
    return name
  }
  const entries = new Map<string, CatalogueEntry>()
  const add = async (given: string): Promise<CatalogueEntry> => {
    const path = resolve(given)
    const { kind, parent, guidance_scale } = await lookAt(path)
    const found = kind === 'student' ? (teacher ?? (parent && (await besideWith(path, parent)))) : undefined
    const from = found ? resolve(found) : undefined
    const entry = (of: string, kind: ModelConfig['kind']) => ({
      name: nameOf(of),
      path: `models/${encodeURIComponent(nameOf(of))}/`,
      kind,
    })
    const added: CatalogueEntry = {
      ...entry(path, kind),
      ...(from !== undefined && { teacher: nameOf(from) }),
      ...(guidance_scale !== undefined && { guidance_scale }),
    }
    // The student first: it is what people come for.
    entries.set(path, added)
    if (from !== undefined && !entries.has(from)) entries.set(from, entry(from, (await lookAt(from)).kind))
    return added
  }
  for (const path of paths) await add(path)
  const around = places.map((place) => resolve(place))
  const look = async (): Promise<void> => {
    const before = entries.size
    for (const place of around) {
      const inside = await readdir(place).catch(() => [] as string[])
      for (const path of [place, ...inside.sort().map((name) => join(place, name))])
        if (!entries.has(path) && isModel(path)) await add(path).catch(() => undefined)
    }
    // What has come may be the teacher of what was there.
    if (before > 0 && entries.size > before)
      for (const [path, { kind, teacher }] of [...entries])
        if (kind === 'student' && teacher === undefined) await add(path)
  }
  await look()
  const made = new Map<string, { readonly changed: number | undefined; readonly folder: Promise<string> }>()
  const make = async (source: string, out: string): Promise<string> => {
    if (existsSync(join(source, MANIFEST_FILE))) await cp(source, out, { recursive: true })
    else await exportModel({ model: await loadModel(source), out, dtype })
    return out
  }
  return {
    get entries() {
      return [...entries.values()]
    },
    add,
    places: around,
    look,
    async folder(name) {
      const source = [...entries.keys()].find((path) => nameOf(path) === name)
      if (source === undefined) throw new UserError(`there is no model ${name}`)
      const changed = await changedAt(source)
      const known = made.get(name)
      // The last export stands for a model that is being written anew.
      if (known && (changed === undefined || changed === known.changed)) return known.folder
      // An export that is being read stays as it is.
      const folder = make(source, join(work, name, String(changed)))
      made.set(name, { changed, folder })
      folder.catch(() => {
        if (made.get(name)?.folder === folder) made.delete(name)
      })
      return folder
    },
  }
}

/** When a model was written, in milliseconds since 1970; undefined where there is none. */
const changedAt = async (path: string): Promise<number | undefined> => {
  for (const file of [MANIFEST_FILE, CONFIG_FILE]) {
    const found = await stat(join(path, file)).catch(() => undefined)
    if (found) return found.mtimeMs
  }
  return undefined
}

const isModel = (path: string): boolean =>
  [MANIFEST_FILE, CONFIG_FILE].some((file) => existsSync(join(path, file)))

interface Look extends Pick<CatalogueEntry, 'kind' | 'guidance_scale'> {
  readonly parent?: string | undefined
}

const lookAt = async (path: string): Promise<Look> => {
  const manifest = join(path, MANIFEST_FILE)
  if (existsSync(manifest)) return { kind: (await readManifest(manifest)).kind }
  const config = await readConfig(path)
  const { kind, network, provenance } = config
  const fixed = kind === 'student' && !network.embedding.guidance_embedding
  return { kind, parent: provenance.parent, ...(fixed && { guidance_scale: guidanceOf(config) }) }
}

/** The model folder beside a model whose weights have this hash. */
const besideWith = async (path: string, sha256: string): Promise<string | undefined> => {
  const around = dirname(path)
  for (const name of (await readdir(around)).sort()) {
    const other = join(around, name)
    if (other === path || !existsSync(join(other, CONFIG_FILE))) continue
    // What is broken is nobody's teacher.
    const model = await loadModel(other).catch(() => undefined)
    if (model?.sha256 === sha256) return other
  }
  return undefined
}
