/** Fetching an exported model: its manifest always anew, its graphs from the cache where they are those that are meant. */
import { UserError } from '../errors/index.js'
import {
  bytesOf,
  type GraphFile,
  type Graphs,
  type Manifest,
  manifestOf,
  mapGraphs,
  type StoredManifest,
} from '../pipeline/index.js'
import { unreadable } from './reach.js'

const CACHE = 'onestroke'

export interface FetchOptions {
  readonly cache: boolean
  onProgress?(loaded: number, total: number): void
}

/** @throws UserError if it is not there, is no manifest, or is of a later format. */
export const fetchManifest = async (url: string): Promise<{ manifest: Manifest; base: URL }> => {
  const address = new URL(url)
  if (!address.pathname.endsWith('.json'))
    address.pathname = address.pathname.replace(/\/?$/, '/manifest.json')
  const response = await fetchOk(address, 'no-cache')
  const manifest = parsed(await response.text().catch(brokenOff(address)), address) as StoredManifest
  if (manifest?.format !== 'onestroke-export/1')
    throw new UserError(
      `${address} is not a manifest of onestroke-export/1${manifest?.format ? `, but of ${manifest.format}` : ''}`,
      { remedy: 'write it with onestroke export' },
    )
  return { manifest: manifestOf(manifest), base: address }
}

const parsed = (text: string, address: URL): unknown => {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new UserError(`${address} is not JSON: ${(cause as Error).message}`)
  }
}

/** Says of an answer that ends too early which file it is. Browsers tell scripts no more than "network error". */
const brokenOff =
  (address: URL, far: () => string = () => '') =>
  (cause: Error): never => {
    throw new UserError(`${address} broke off${far()}: ${cause.message}`, {
      cause,
      remedy: 'load it again; if it breaks off again, look whether the server has the whole file',
    })
  }

/**
 * All graphs of a model, whose progress is that of all of them together.
 *
 * @throws UserError, see `fetchGraph`.
 */
export const fetchGraphs = async (
  { graphs }: Pick<Manifest, 'graphs'>,
  base: URL,
  { cache, onProgress }: FetchOptions,
): Promise<Graphs<Uint8Array>> => {
  let rest = bytesOf(graphs)
  let done = 0
  return mapGraphs(graphs, async (graph) => {
    rest -= graph.bytes
    const fetched = await fetchGraph(graph, base, {
      cache,
      onProgress: (loaded, total) => onProgress?.(done + loaded, done + total + rest),
    })
    done += graph.bytes
    return fetched
  })
}

/** @throws UserError if it is not there, breaks off, or is not what the manifest says, by its hash or, where there is none, its length. */
const fetchGraph = async (
  { file, bytes, sha256 }: GraphFile,
  base: URL,
  { cache, onProgress }: FetchOptions,
): Promise<Uint8Array<ArrayBuffer>> => {
  const address = new URL(file, base)
  // A graph is known by its hash: another one at the same address is another entry.
  const key = `${address}#${sha256}`.replace('#', '?sha256=')
  const kept =
    cache && typeof caches !== 'undefined' ? await caches.open(CACHE).catch(() => undefined) : undefined
  const found = kept && (await keptIn(kept, key, sha256).catch(() => undefined))
  if (found) {
    onProgress?.(bytes, bytes)
    return found
  }
  // Not by age, as servers have it: the graph of yesterday may still be young.
  const graph = await readWhole(await fetchOk(address, 'no-cache'), address, bytes, onProgress)
  const actual = await hashOf(graph)
  if (graph.length !== bytes || (actual !== undefined && actual !== sha256))
    throw new UserError(
      `${address} is not the graph that its manifest describes: ${graph.length} bytes${actual ? ` with sha256 ${actual.slice(0, 8)}…` : ''}, expected ${bytes} bytes with sha256 ${sha256.slice(0, 8)}…`,
      { remedy: 'upload both files of the export again' },
    )
  // A cache that is full or broken is no reason not to paint.
  if (kept) await keep(kept, key, address, graph).catch(() => undefined)
  return graph
}

const keptIn = async (
  kept: Cache,
  key: string,
  sha256: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> => {
  const found = await kept.match(key)
  if (!found) return undefined
  const graph = new Uint8Array(await found.arrayBuffer())
  if ((await hashOf(graph)) === sha256) return graph
  await kept.delete(key)
  return undefined
}

/** Instead of others of its address. */
const keep = async (
  kept: Cache,
  key: string,
  address: URL,
  graph: Uint8Array<ArrayBuffer>,
): Promise<void> => {
  await kept.put(key, new Response(graph)).catch(() => undefined)
  for (const { url } of await kept.keys())
    if (url !== key && url.startsWith(`${address}?sha256=`)) await kept.delete(url)
}

const fetchOk = async (address: URL, cache: RequestCache): Promise<Response> => {
  const response = await fetch(address, { cache }).catch(async (cause: Error) => {
    throw await unreadable(address, cause)
  })
  if (!response.ok)
    throw new UserError(`cannot load ${address}: ${response.status} ${response.statusText}`.trim())
  return response
}

const readWhole = async (
  response: Response,
  address: URL,
  total: number,
  onProgress: FetchOptions['onProgress'],
): Promise<Uint8Array<ArrayBuffer>> => {
  const parts: Uint8Array[] = []
  let loaded = 0
  const reader = response.body!.getReader()
  const read = () => reader.read().catch(brokenOff(address, () => ` after ${loaded} of ${total} bytes`))
  for (let part = await read(); !part.done; part = await read()) {
    parts.push(part.value)
    loaded += part.value.length
    onProgress?.(loaded, Math.max(total, loaded))
  }
  const whole = new Uint8Array(loaded)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/**
 * sha256 in hexadecimal; undefined on pages that are neither https nor localhost, as a machine's own address is to a phone
 * beside it: browsers keep crypto.subtle, and caches, from them.
 */
const hashOf = async (bytes: Uint8Array<ArrayBuffer>): Promise<string | undefined> => {
  if (!isSecureContext) return undefined
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
