/** The models that a studio offers: exported when they are first asked for. */
import { existsSync } from 'node:fs'
import { cp, readdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UserError } from '@onestroke/core/errors'
import type { ModelConfig } from '@onestroke/core/formats'
import type { Storage } from '@onestroke/core/tensor'
import { guidanceOf } from '../evaluation/index.js'
import { exportModel, MANIFEST_FILE, readManifest } from '../export/index.js'
import { isWithin, readBytes } from '../formats/index.js'
import { loadModel, readConfig, sha256Of } from '../model/index.js'
import { CONFIG_FILE } from '../run-files.js'
import { freeName } from './free-name.js'

/** A model's entry in `models.json`. */
interface CatalogueEntry {
  readonly name: string
  /** Path of the export's folder, from the page. */
  readonly path: string
  /** Hash of the model's config, which holds the hash of its weights. It changes if the model is trained again. */
  readonly sha256: string
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
  /** Looks for models that have come into the places, and for those that were made anew since the last look. */
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
  readonly dtype: Storage
  /** Folders that are searched for models again and again. Broken models are left out. */
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
    const content = await contentOf(path)
    const { kind, parent, guidance_scale } = await lookAt(path)
    const found = kind === 'student' ? (teacher ?? (parent && (await besideWith(path, parent)))) : undefined
    const from = found ? resolve(found) : undefined
    const entry = (of: string, kind: ModelConfig['kind'], sha256 = '') => ({
      name: nameOf(of),
      path: `models/${encodeURIComponent(nameOf(of))}/`,
      sha256,
      kind,
    })
    const added: CatalogueEntry = {
      ...entry(path, kind, content),
      ...(from !== undefined && { teacher: nameOf(from) }),
      guidance_scale,
    }
    // The student first, because people want to see it.
    entries.set(path, added)
    if (from !== undefined && !entries.has(from)) {
      const content = await contentOf(from)
      entries.set(from, entry(from, (await lookAt(from)).kind, content))
    }
    return added
  }
  /** Keeps the last version of a model that is being written. */
  const addAgain = (path: string): Promise<unknown> => add(path).catch(() => undefined)
  for (const path of paths) await add(path)
  const around = places.map((place) => resolve(place))
  const look = async (): Promise<void> => {
    const before = entries.size
    const anew = new Set<string>()
    for (const [path, { name, sha256 }] of [...entries]) {
      const content = await contentOf(path)
      if (content === undefined || content === sha256) continue
      await addAgain(path)
      anew.add(name)
    }
    for (const place of around) {
      const inside = await readdir(place).catch(() => [] as string[])
      for (const path of [place, ...inside.sort().map((name) => join(place, name))])
        if (!entries.has(path) && isModel(path)) await addAgain(path)
    }
    // A new or changed model may become the teacher of a known student, or no longer be it.
    const isMore = before > 0 && entries.size > before
    for (const [path, { kind, teacher }] of [...entries])
      if (kind === 'student' && (teacher === undefined ? isMore || anew.size > 0 : anew.has(teacher)))
        await addAgain(path)
  }
  await look()
  /** By name: the latest export, and the hash of its model. */
  const made = new Map<string, { readonly content: string | undefined; readonly folder: Promise<string> }>()
  let count = 0
  const make = async (source: string, out: string): Promise<string> => {
    // Leaves out links that lead out of the folder, so that they cannot show files from elsewhere.
    const filter = (file: string) => isWithin(file, source)
    if (existsSync(join(source, MANIFEST_FILE)))
      await cp(source, out, { recursive: true, dereference: true, filter })
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
      const content = await contentOf(source)
      const known = made.get(name)
      // The last export stands for a model that is being written anew.
      if (known && (content === undefined || content === known.content)) return known.folder
      // An export that is being read stays as it is.
      const folder = make(source, join(work, name, String(count++)))
      made.set(name, { content, folder })
      folder.catch(() => {
        if (made.get(name)?.folder === folder) made.delete(name)
      })
      return folder
    },
  }
}

/** Hash of a model's config, which holds the hash of its weights; undefined if there is no model. */
const contentOf = async (path: string): Promise<string | undefined> => {
  for (const file of [MANIFEST_FILE, CONFIG_FILE]) {
    const text = await readBytes(join(path, file), 'model').catch(() => undefined)
    if (text) return sha256Of(text)
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
    // Skips models that cannot be loaded.
    const model = await loadModel(other).catch(() => undefined)
    if (model?.sha256 === sha256) return other
  }
  return undefined
}
