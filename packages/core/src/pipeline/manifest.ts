/** `manifest.json`: what an app needs to know of an exported model, beside its ONNX graphs. */
import { z } from 'zod'
import { UserError } from '../errors/index.js'
import { checkedConfig, modelConfigSchema, storedSpace, withStoredNetwork } from '../formats/index.js'
import { autoencoderOf } from '../space/index.js'
import { STORAGES, type Storage } from '../tensor/index.js'
import { type GraphName, type Graphs, graphEntries } from './graphs.js'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const count = z.int().nonnegative()
const shapes = z.record(z.string(), z.array(z.int().positive().nullable()).min(1))
const distance = z.number().nonnegative().nullable()

/** What the pictures lost by the weights' rounding: each number beside that of the weights as they were trained. */
const exportQuality = z.strictObject({
  data: z.string(),
  samples: count,
  seed: count,
  /** By steps. */
  rows: z.array(
    z.strictObject({
      steps: z.int().positive(),
      fid: distance,
      fid_fp32: distance,
      /** RMSE in [-1, 1] pixels to the end of the teacher's path, where a teacher was given. */
      teacher_distance: distance,
      teacher_distance_fp32: distance,
    }),
  ),
})
export type ExportQuality = z.infer<typeof exportQuality>

const { kind, network, space, sigma_min, sigma_max, sigma_data, vocabulary, sampling, example } =
  modelConfigSchema.shape

const graphFile = z.strictObject({
  /** Beside the manifest. */
  file: z.string().regex(/^\w[\w.-]*$/),
  bytes: z.int().positive(),
  sha256,
  /** Shapes by name, `null` for the batch. `sigma`, `s` and `guidance_scale` are one number for each picture. */
  inputs: shapes,
  outputs: shapes,
})
/** One graph of an export. */
export type GraphFile = z.infer<typeof graphFile>

/** Each of the graphs, if the model has it. */
const graphFiles = {
  denoiser: graphFile,
  encoder: graphFile.optional(),
  decoder: graphFile.optional(),
} satisfies Record<GraphName, unknown>

const manifestSchema = z.strictObject({
  format: z.literal('onestroke-export/1'),
  kind,
  network,
  space,
  sigma_min,
  sigma_max,
  sigma_data,
  vocabulary,
  sampling,
  example,
  /** How the weights are stored; they are computed with in float32. */
  dtype: z.enum(Object.keys(STORAGES) as Storage[]),
  /** The denoiser, where it is the only graph. */
  graph: graphFile.optional(),
  /** Its graphs by name, where `graph` does not say all. */
  graphs: z.strictObject(graphFiles).optional(),
  parameters: z.int().positive(),
  /** Licence of the weights and of the training pictures; null if unknown. */
  license: z.string().nullable(),
  /** Where it comes from: the model folder's weights, and how they were made. */
  source: z.strictObject({ sha256, method: z.string(), data: z.string(), images_seen: count }),
  /** RMSE in [-1, 1] pixels between pictures with these weights and with those that were trained, in one step. */
  rmse_to_fp32: z.number().nonnegative(),
  quality: exportQuality.optional(),
  versions: z.record(z.string(), z.string()),
})

/** What the file holds. */
export type StoredManifest = z.input<typeof manifestSchema>
/** A manifest in memory, where its graphs have one form alone. */
export type Manifest = Omit<z.infer<typeof manifestSchema>, 'graph' | 'graphs'> & {
  readonly graphs: Graphs<GraphFile>
}

/**
 * Checks a parsed manifest.json.
 *
 * @throws UserError that names the file, the key, what was expected and what was found.
 */
export const parseManifest = (json: unknown, file: string): Manifest => {
  const stored = checkedConfig(manifestSchema, json, file, 'manifest of onestroke-export/1')
  const { graph, graphs, ...rest } = stored
  if (graph && graphs) throw new UserError(`${file} names its graphs twice: leave out graph or graphs`)
  const whole = graph ? { denoiser: graph } : graphs
  if (!whole) throw new UserError(`${file} names no graph: it needs graph or graphs`)
  if (autoencoderOf(rest.space) && !(whole.encoder && whole.decoder))
    throw new UserError(`${file} names no encoder and decoder, and its model works in latents`)
  return { ...rest, graphs: whole }
}

/** The manifest as its file holds it, the inverse of `parseManifest`, with the one `graph` that every version reads. */
export const storedManifest = (manifest: Manifest): StoredManifest => {
  const { format, kind, dtype, graphs, space, ...rest } = withStoredNetwork(manifest)
  const first = { format, kind, dtype }
  const files = graphEntries(graphs).length === 1 ? { graph: graphs.denoiser } : { graphs }
  return { ...first, ...files, ...rest, space: storedSpace(space) }
}
