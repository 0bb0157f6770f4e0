/** A model as a folder for apps: ONNX graphs that hold the weights, and a manifest. */
import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type ExportQuality,
  graphEntries,
  type Manifest,
  mapGraphs,
  storedManifest,
} from '@onestroke/core/pipeline'
import type { Storage } from '@onestroke/core/tensor'
import type { Dataset } from '../data/index.js'
import { asSeenBy, checkFit, featuresFor, guidanceOf, Judge, teacherPath } from '../evaluation/index.js'
import { writeFileAtomic } from '../formats/index.js'
import { teacherDistance } from '../metrics/index.js'
import { type LoadedModel, Model, makeFolder, sha256Of } from '../model/index.js'
import { versions } from '../training/index.js'
import { checkNoModel, foreign, holds } from './free-folder.js'
import { graphsOf } from './graph.js'
import { GRAPH_FILES, loadExport, MANIFEST_FILE } from './load.js'
import { rmseToTrained, rounded } from './rounding.js'
import type { Target } from './targets.js'
import { type WebWeight, webFiles, weighWeb, writeWeb } from './web.js'

/** The targets that are made of a graph. */
type GraphTarget = Extract<Target, 'node' | 'web'>

export interface ExportOptions {
  readonly model: LoadedModel
  readonly out: string
  readonly dtype: Storage
  /** `web` adds a page and all that it needs without a bundler. Default `node`: graph and manifest. */
  readonly target?: GraphTarget
  /** Licence. Default: that of the training pictures, if their source tells it. */
  readonly license?: string
  /** Measures what the rounding costs, on data, with the evaluation's own rows. */
  readonly measure?: {
    readonly dataset: Dataset
    readonly teacher?: LoadedModel
    readonly samples: number
    onTrain?(done: number, total: number): void
    onUncached?(reason: string): void
    onProgress?(done: number, total: number): void
  }
}

export interface Exported {
  readonly manifest: Manifest
  /** What a folder for the web weighs. */
  readonly weight?: WebWeight
}

/** Marks a folder in which an export is being written, or was when its process ended: its files may be replaced. */
const UNFINISHED_FILE = '.unfinished-export'

/**
 * Writes the graphs (`model.onnx` is the denoiser) and `manifest.json`, the manifest last. One that was not finished can be repeated.
 *
 * @throws UserError if the folder cannot be written, or what it needs for the web was not built, if it holds other
 * files, or if a weight is too large for the type.
 */
export const exportModel = async ({
  model,
  out,
  dtype,
  target = 'node',
  license,
  measure,
}: ExportOptions): Promise<Exported> => {
  const { config, layout, sha256 } = model
  await checkOwn(out)
  const web = await pageOf(target, out)
  const graphs = graphsOf(model, dtype)
  const bytes = await mapGraphs(graphs, async (graph) => graph.bytes)
  await makeFolder(out)
  const { kind, network, space, sigma_min, sigma_max, sigma_data, vocabulary, sampling, example } = config
  const { method, provenance } = config
  const manifest: Omit<Manifest, 'rmse_to_fp32' | 'quality'> = {
    format: 'onestroke-export/1',
    kind,
    dtype,
    graphs: await mapGraphs(graphs, async ({ bytes, inputs, outputs }, name) => ({
      file: GRAPH_FILES[name],
      bytes: bytes.length,
      sha256: sha256Of(bytes),
      inputs,
      outputs,
    })),
    parameters: layout.size,
    network,
    space,
    sigma_min,
    sigma_max,
    sigma_data,
    sampling,
    example,
    license: license ?? provenance.data.license ?? null,
    source: {
      sha256,
      method: method.name,
      data: provenance.data.name,
      images_seen: provenance.images_seen,
    },
    versions: versions(),
    vocabulary,
  }
  const rmse_to_fp32 = await rmseToTrained(model, await loadExport(bytes, manifest as Manifest), dtype)
  const whole: Manifest = {
    ...manifest,
    rmse_to_fp32,
    ...(measure && { quality: await qualityOf(model, dtype, measure) }),
  }
  // Replaces all files at once at the end, so that the earlier export works until then.
  const unfinished = join(out, UNFINISHED_FILE)
  await removeLeftovers(out)
  await writeFileAtomic(unfinished, '')
  if (web) await writeWeb(web, out)
  for (const [name, graph] of graphEntries(bytes)) await writeFileAtomic(join(out, GRAPH_FILES[name]), graph)
  await writeFileAtomic(join(out, MANIFEST_FILE), `${JSON.stringify(storedManifest(whole), null, 2)}\n`)
  await rm(unfinished)
  return { manifest: whole, ...(web && { weight: await weighWeb(web, out, whole) }) }
}

/** The files that a target needs beside graph and manifest. */
const pageOf = (target: GraphTarget, out: string) => {
  switch (target) {
    case 'node':
      return undefined
    case 'web':
      return webFiles(out, { unfinished: existsSync(join(out, UNFINISHED_FILE)) })
    default:
      return target satisfies never
  }
}

/** Removes what a process that was ended left half-written in an export's folder. */
const removeLeftovers = async (out: string): Promise<void> => {
  if (!existsSync(join(out, UNFINISHED_FILE))) return
  for (const name of await readdir(out, { recursive: true }))
    if (/(^|[/\\])\.[^/\\]+\.\d+\.tmp$/.test(name)) await rm(join(out, name), { force: true })
}

/** @throws UserError if the folder holds a model, or another app. */
const checkOwn = async (out: string): Promise<void> => {
  checkNoModel(out)
  if (existsSync(join(out, UNFINISHED_FILE))) return
  const manifest = join(out, MANIFEST_FILE)
  if (existsSync(manifest)) {
    if (!(await holds(manifest, '"onestroke-export/'))) throw foreign(manifest)
    return
  }
  for (const [, file] of graphEntries(GRAPH_FILES))
    if (existsSync(join(out, file))) throw foreign(join(out, file))
}

const STEPS = [1, 2, 4]

const qualityOf = async (
  model: LoadedModel,
  dtype: Storage,
  { dataset: data, teacher, samples, ...notify }: NonNullable<ExportOptions['measure']>,
): Promise<ExportQuality> => {
  const dataset = asSeenBy(model.config, data)
  for (const one of [model, teacher]) if (one) checkFit(one, dataset)
  const seed = 0
  const judge = await Judge.of(await featuresFor(dataset, notify), dataset, { samples, seed })
  const guidance_scale = guidanceOf(model.config)
  const slow = teacher && Model.of(teacher)
  const path = slow && (await teacherPath(slow, judge, { guidance_scale }))
  await slow?.release()
  const settings = { solver: model.config.kind === 'student' ? 'consistency' : 'ddim' } as const
  const measured = async (one: Model, part: number) => {
    const rows = []
    for (const [i, steps] of STEPS.entries()) {
      const done = (part * STEPS.length + i) * samples
      const { pictures } = await judge.paint(
        one,
        { ...settings, num_inference_steps: steps },
        { onPainted: (now) => notify.onProgress?.(done + now, 2 * STEPS.length * samples) },
      )
      const distance = path ? teacherDistance(pictures.subarray(0, path.length), path) : null
      rows.push({ fid: await judge.fid(pictures), teacher_distance: distance })
    }
    await one.release()
    return rows
  }
  const trained = await measured(Model.of(model), 0)
  const exported = await measured(Model.of(rounded(model, dtype)), 1)
  return {
    data: dataset.name,
    samples,
    seed,
    rows: exported.map(({ fid, teacher_distance }, i) => ({
      steps: STEPS[i]!,
      fid,
      fid_fp32: trained[i]!.fid,
      teacher_distance,
      teacher_distance_fp32: trained[i]!.teacher_distance,
    })),
  }
}
