/** `manifest.json`: what an app needs to know of an exported model, beside its ONNX graph. */
import type { PipelineConfig } from './pipeline.js'

/** How the weights are stored; they are computed with in float32. */
export type ExportDtype = 'fp32' | 'fp16' | 'int8'

/** What the pictures lost by the weights' rounding: each number beside that of the weights as they were trained. */
export interface ExportQuality {
  readonly data: string
  readonly samples: number
  readonly seed: number
  /** By steps. */
  readonly rows: readonly {
    readonly steps: number
    readonly fid: number | null
    readonly fid_fp32: number | null
    /** RMSE in [-1, 1] pixels to the end of the teacher's path, where a teacher was given. */
    readonly teacher_distance: number | null
    readonly teacher_distance_fp32: number | null
  }[]
}

export interface Manifest extends PipelineConfig {
  readonly format: 'onestroke-export/1'
  readonly dtype: ExportDtype
  readonly graph: {
    readonly file: string
    readonly bytes: number
    readonly sha256: string
    /** Shapes by name, `null` for the batch. `sigma`, `s` and `guidance_scale` are one number for each picture. */
    readonly inputs: Readonly<Record<string, readonly (number | null)[]>>
    readonly outputs: Readonly<Record<string, readonly (number | null)[]>>
  }
  readonly parameters: number
  /** The weights' license, and what the pictures that the model learned from ask for; null where nobody said. */
  readonly license: string | null
  /** Where it comes from: the model folder's weights, and how they were made. */
  readonly source: {
    readonly sha256: string
    readonly method: string
    readonly data: string
    readonly images_seen: number
  }
  /** RMSE in [-1, 1] pixels between pictures with these weights and with those that were trained, in one step. */
  readonly rmse_to_fp32: number
  readonly quality?: ExportQuality
  readonly versions: Readonly<Record<string, string>>
}

/** The shape of an input that holds so many values. @throws RangeError if no batch has so many. */
export const shapeFor = (shape: readonly (number | null)[], length: number, name: string): number[] => {
  const batch = length / shape.reduce<number>((product, n) => product * (n ?? 1), 1)
  if (!Number.isInteger(batch) || batch < 1)
    throw new RangeError(
      `input ${name}: ${length} values do not fit [${shape.map((n) => n ?? 'batch').join(', ')}]`,
    )
  return shape.map((n) => n ?? batch)
}
