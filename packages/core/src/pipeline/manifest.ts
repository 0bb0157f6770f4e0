/** `manifest.json`: what an app needs to know of an exported model, beside its ONNX graph. */
import { z } from 'zod'
import { checkedConfig, modelConfigSchema } from '../formats/index.js'
import { STORAGES, type Storage } from '../tensor/index.js'

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

const { kind, network, sigma_min, sigma_max, sigma_data, vocabulary, sampling, example } =
  modelConfigSchema.shape

const manifestSchema = z.strictObject({
  format: z.literal('onestroke-export/1'),
  kind,
  network,
  sigma_min,
  sigma_max,
  sigma_data,
  vocabulary,
  sampling,
  example,
  /** How the weights are stored; they are computed with in float32. */
  dtype: z.enum(Object.keys(STORAGES) as Storage[]),
  graph: z.strictObject({
    /** Beside the manifest. */
    file: z.string().regex(/^\w[\w.-]*$/),
    bytes: z.int().positive(),
    sha256,
    /** Shapes by name, `null` for the batch. `sigma`, `s` and `guidance_scale` are one number for each picture. */
    inputs: shapes,
    outputs: shapes,
  }),
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

export type Manifest = z.infer<typeof manifestSchema>

/**
 * Checks a parsed manifest.json.
 *
 * @throws UserError that names the file, the key, what was expected and what was found.
 */
export const parseManifest = (json: unknown, file: string): Manifest =>
  checkedConfig(manifestSchema, json, file, 'manifest of onestroke-export/1')
