/** A manifest in which anything is wrong: an error that names the file, or pictures, and never anything else. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EDM } from '@onestroke/core/diffusion'
import { UserError } from '@onestroke/core/errors'
import type { ModelConfig } from '@onestroke/core/formats'
import { networkLayout } from '@onestroke/core/nn'
import { manifestOf, parseManifest, type StoredManifest, storedManifest } from '@onestroke/core/pipeline'
import { PIXELS } from '@onestroke/core/space'
import { buildTextVocabulary } from '@onestroke/core/text'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { sha256Of } from '../model/index.js'
import { presetNetwork } from '../training/index.js'
import { exportModel, MANIFEST_FILE, openPipeline } from './index.js'

vi.setConfig({ testTimeout: 120_000 })
const folder = await mkdtemp(join(tmpdir(), 'onestroke-manifest-'))
afterAll(() => rm(folder, { recursive: true, force: true }))
const file = join(folder, MANIFEST_FILE)

const vocabulary = buildTextVocabulary(['red cat', 'blue dog'], [])
const config: ModelConfig = {
  format: 'onestroke/1',
  kind: 'student',
  network: presetNetwork('tiny', { channels: 1, height: 8, width: 8 }, vocabulary),
  space: PIXELS,
  ...EDM,
  boundary: true,
  sigma_min: 0.01,
  sigma_max: 20,
  sigma_data: 0.5,
  vocabulary,
  sampling: {
    solver: 'consistency',
    schedule: 'karras',
    num_inference_steps: 1,
    guidance_scale: 1,
    gamma: 1,
    sigmas: { 2: [20, 1] },
  },
  method: { name: 'ect', options: {} },
  provenance: {
    data: { name: 'pets', sha256: 'abc', images: 2, license: 'MIT' },
    images_seen: 16,
    seconds: 1,
    seed: 0,
    preset: 'tiny',
    versions: { onestroke: '0' },
  },
}
type Json = Record<string, unknown>
let manifest: Json

beforeAll(async () => {
  const layout = networkLayout(config.network)
  const weights = layout.initialize(1)
  const model = { path: folder, config, layout, weights, sha256: sha256Of(new Uint8Array(weights.buffer)) }
  await exportModel({ model, out: folder, dtype: 'fp32' })
  manifest = JSON.parse(await readFile(file, 'utf8'))
})

/** A picture in two steps, or what was wrong. */
const outcome = async (json: unknown): Promise<Float32Array | Error> => {
  await writeFile(file, typeof json === 'string' ? json : JSON.stringify(json))
  try {
    const pipeline = await openPipeline(folder, { threads: 1 })
    const { data } = await pipeline.generate({ prompts: ['red cat'], seed: 1, num_inference_steps: 2 })
    await pipeline.release()
    return data
  } catch (error) {
    return error as Error
  }
}
const message = async (json: unknown): Promise<string> => {
  const found = await outcome(json)
  expect(found).toBeInstanceOf(UserError)
  return (found as Error).message
}

const errorOf = (act: () => unknown): unknown => {
  try {
    act()
    return undefined
  } catch (error) {
    return error
  }
}

type Path = readonly (string | number)[]

/** All places in a value, the whole first; of long lists, the first two. */
const places = (value: unknown, path: Path = []): Path[] => {
  if (typeof value !== 'object' || value === null) return [path]
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()].slice(0, 2)
    : Object.entries(value)
  return [path, ...entries.flatMap(([key, inner]) => places(inner, [...path, key]))]
}

const GONE = Symbol('gone')
const changed = (value: unknown, [key, ...rest]: Path, to: unknown): unknown => {
  if (key === undefined) return to
  const copy = (Array.isArray(value) ? [...value] : { ...(value as Json) }) as Record<
    string | number,
    unknown
  >
  const inner = changed(copy[key], rest, to)
  if (inner !== GONE) copy[key] = inner
  else if (Array.isArray(copy)) copy.splice(Number(key), 1)
  else delete copy[key]
  return copy
}

const OTHERS = [
  GONE,
  null,
  true,
  '',
  'x',
  '../x',
  -1,
  0,
  0.5,
  3,
  1e9,
  1e300,
  [],
  [1],
  [null, 7],
  {},
  { x: 1 },
]
/** Said to people, and not needed to paint. */
const FACTS = ['dtype', 'license', 'source', 'rmse_to_fp32', 'versions']

describe('a manifest', () => {
  it('of an export is taken', async () => {
    expect(await outcome(manifest)).toHaveLength(64)
  })

  it('is written as ever where points are pixels and the denoiser is the only graph', () => {
    const { graph, graphs, space, format } = manifest as Json
    expect([format, graphs, space]).toEqual(['onestroke-export/1', undefined, undefined])
    expect(graph).toMatchObject({ file: 'model.onnx', outputs: { denoised: [null, 1, 8, 8] } })
    const parsed = parseManifest(manifest, file)
    expect(parsed).toMatchObject({ graphs: { denoiser: graph }, space: PIXELS })
    expect(JSON.parse(JSON.stringify(storedManifest(parsed)))).toEqual(manifest)
    const first = ['format', 'kind', 'dtype', 'graph', 'parameters', 'network', 'sigma_min']
    expect(Object.keys(manifest).slice(0, first.length)).toEqual(first)
  })

  it('is the same in a page, which checks nothing, as where it is checked', () => {
    const { condition } = (manifest.network as { embedding: { condition: object } }).embedding
    // Files have held the size of the vocabulary by this name from the first.
    expect(condition).toMatchObject({ kind: 'text', vocabulary: expect.any(Number) })
    expect(condition).not.toHaveProperty('vocabulary_size')
    expect(manifestOf(manifest as unknown as StoredManifest)).toEqual(parseManifest(manifest, file))
  })

  it('may name its graphs, and its space', async () => {
    const { graph, ...rest } = manifest
    const named = { ...rest, graphs: { denoiser: graph }, space: { kind: 'pixels' } }
    expect(await outcome(named)).toEqual(await outcome(manifest))
    expect(parseManifest(named, file)).toEqual(parseManifest(manifest, file))
    expect(manifestOf(named as unknown as StoredManifest)).toMatchObject({
      graphs: { denoiser: graph },
      space: PIXELS,
    })
    expect(await message({ ...named, graph })).toBe(
      `${file} names its graphs twice: leave out graph or graphs`,
    )
    expect(await message(rest)).toBe(`${file} names no graph: it needs graph or graphs`)
    expect(await message({ ...named, space: { kind: 'sounds' } })).toMatch(/ at space\.kind$/)
    expect(await message({ ...named, graphs: { denoiser: graph, other: graph } })).toMatch(
      /Unrecognized key: "other" at graphs$/,
    )
  })

  it('with anything else in any place is refused by name, or paints finite pictures of the same size', async () => {
    const wrong: string[] = []
    let [refused, painted] = [0, 0]
    for (const path of places(manifest).slice(1))
      for (const other of OTHERS) {
        const what = `${path.join('.')} = ${other === GONE ? 'nothing' : JSON.stringify(other)}`
        const json = changed(manifest, path, other)
        const error = errorOf(() => parseManifest(json, file))
        if (error) {
          refused++
          if (!(error instanceof UserError && error.message.startsWith(file))) wrong.push(`${what}: ${error}`)
        } else if (!FACTS.includes(String(path[0]))) {
          painted++
          const found = await outcome(json)
          if (found instanceof Error) {
            if (!(found instanceof UserError && found.message.includes(folder)))
              wrong.push(`${what}: ${found}`)
          } else if (found.length !== 64 || !found.every(Number.isFinite))
            wrong.push(`${what}: painted something else`)
        }
      }
    expect(wrong).toEqual([])
    expect(refused).toBeGreaterThan(1000)
    expect(painted).toBeGreaterThan(30)
  })

  it('that is none, is broken, or knows more than this version does, is named', async () => {
    expect(await message('{"format": ')).toMatch(/manifest\.json is not JSON: /)
    for (const other of [null, 7, [], 'text', {}])
      expect(await message(JSON.stringify(other))).toContain(
        `${file} is not a manifest of onestroke-export/1: `,
      )
    expect(await message({ ...manifest, format: 'onestroke-export/2' })).toMatch(/at format$/)
    expect(await message({ ...manifest, colour: 'red' })).toMatch(/Unrecognized key: "colour"$/)
  })

  it('that contradicts itself or its graph is told where', async () => {
    const parameters = manifest.parameters as number
    expect(await message({ ...manifest, parameters: 7 })).toBe(
      `${file}: parameters 7 do not fit the network, which has ${parameters}`,
    )
    expect(await message(changed(manifest, ['graph', 'inputs', 'x', 1], 3))).toMatch(
      /manifest\.json: inputs \{.*\} do not fit the network, which has \{.*\}$/,
    )
    expect(await message(changed(manifest, ['sampling', 'sigmas', '2'], [20, 30]))).toBe(
      `${file}: sampling.sigmas.2 must fall, between 20 and 0.01, and 30 does not`,
    )
    expect(await message(changed(manifest, ['sampling', 'solver'], 'heun'))).toBe(
      `${file}: sampling.solver heun is not for a student`,
    )
    const graph = await readFile(join(folder, 'model.onnx'))
    await writeFile(
      join(folder, 'model.onnx'),
      graph.map((byte, i) => (i === graph.length >> 1 ? byte ^ 1 : byte)),
    )
    expect(await message(manifest)).toBe(`${folder}/model.onnx is not the graph that ${file} describes`)
    await writeFile(join(folder, 'model.onnx'), graph)
  })
})
