/** The models that a studio offers: exported when they are first asked for. */
import { existsSync } from 'node:fs'
import { cp, readdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ModelConfig, UserError } from '@onestroke/core/formats'
import type { ExportDtype } from '@onestroke/core/pipeline'
import { guidanceOf } from '../evaluation/index.js'
import { exportModel, MANIFEST_FILE, readManifest } from '../export/index.js'
import { CONFIG_FILE, loadModel, readConfig } from '../model/index.js'
import { freeName } from './free-name.js'

/** What the page is told of a model, in `models.json`. */
export interface CatalogueEntry {
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
  /** What there is by now. */
  readonly entries: readonly CatalogueEntry[]
  /** Offers a model, and its teacher where that is found, unless it is offered. @throws UserError if there is none at the path. */
  add(path: string): Promise<CatalogueEntry>
  /** The folder of a model's export; made now if it was not. @throws UserError if there is no such model. */
  folder(name: string): Promise<string>
}

/** The students that come with the project, the largest first. */
export const shippedModels = (): string[] =>
  ['emoji-32-student', 'emoji-32-half', 'emoji-16-student', 'emoji-16-guided']
    .map((name) => fileURLToPath(new URL(`../../../../models/${name}`, import.meta.url)))
    .filter(existsSync)

/**
 * Looks at models, and at what stands beside each student for its teacher.
 *
 * @param work folder for the exports.
 * @throws UserError if there is a path at which no model is, or no model at all.
 */
export const openCatalogue = async (
  paths: readonly string[],
  { teacher, work, dtype }: { readonly teacher?: string; readonly work: string; readonly dtype: ExportDtype },
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
  const look = async (path: string): Promise<CatalogueEntry> => {
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
  const looks = new Map<string, Promise<CatalogueEntry>>()
  const add = (given: string): Promise<CatalogueEntry> => {
    const path = resolve(given)
    const known = looks.get(path)
    if (known) return known
    const found = look(path)
    looks.set(path, found)
    found.catch(() => looks.delete(path))
    return found
  }
  for (const path of paths) await add(path)
  if (entries.size === 0)
    throw new UserError('there is no model to show', { exitCode: 2, remedy: 'name a model folder' })
  const made = new Map<string, Promise<string>>()
  const make = async (name: string, source: string): Promise<string> => {
    const out = join(work, name)
    if (existsSync(join(source, MANIFEST_FILE))) await cp(source, out, { recursive: true })
    else await exportModel({ model: await loadModel(source), out, dtype })
    return out
  }
  return {
    get entries() {
      return [...entries.values()]
    },
    add,
    folder(name) {
      const source = [...entries].find(([, entry]) => entry.name === name)?.[0]
      if (source === undefined) return Promise.reject(new UserError(`there is no model ${name}`))
      const known = made.get(name)
      if (known) return known
      const folder = make(name, source)
      made.set(name, folder)
      folder.catch(() => made.delete(name))
      return folder
    },
  }
}

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
