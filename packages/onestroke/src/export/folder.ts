/** Exports a model as a model folder with weights in fewer bytes. Every command reads it, and shipped models have this form. */
import type { ModelConfig } from '@onestroke/core/formats'
import { type LoadedModel, Model, makeFolder, type SavedStorage, saveModel } from '../model/index.js'
import { checkNoModel } from './free-folder.js'
import { rmseToTrained, rounded } from './rounding.js'

export interface ExportedFolder {
  /** The config that was written: it holds the hash of these weights. */
  readonly config: ModelConfig
  /** Size of model.safetensors. */
  readonly bytes: number
  readonly rmse_to_fp32: number
}

/**
 * Writes `model.safetensors` and `config.json`, the latter last, unchanged but for the weights' hash.
 *
 * @throws UserError if the folder holds a model already, or cannot be written, or if a weight is too large for float16.
 */
export const exportFolder = async (
  model: LoadedModel,
  out: string,
  storage: SavedStorage,
): Promise<ExportedFolder> => {
  checkNoModel(out)
  await makeFolder(out)
  const rmse_to_fp32 = await rmseToTrained(model, Model.of(rounded(model, storage)), storage)
  const { config, bytes } = await saveModel(out, model, storage)
  return { config, bytes, rmse_to_fp32 }
}
