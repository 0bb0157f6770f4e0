/** The model folder: config.json and model.safetensors. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '@onestroke/core/errors'
import { isAutoencoder, type ModelConfig, parseModelConfig, storedConfig } from '@onestroke/core/formats'
import { type Layout, networkLayout } from '@onestroke/core/nn'
import { readBytes, writeFileAtomic } from '../formats/index.js'
import { CONFIG_FILE, PLAN_FILE, WEIGHTS_FILE } from '../run-files.js'
import { isDiffusersAutoencoder } from './diffusers-autoencoder.js'
import { makeFolder } from './make-folder.js'
import { readWeights, type SavedStorage, weightsFile } from './weights.js'

/** A model in memory: what config.json says, and all weights as one flat vector in the order of the layout. */
export interface LoadedModel {
  readonly path: string
  readonly config: ModelConfig
  readonly layout: Layout
  readonly weights: Float32Array
  /** Hash of model.safetensors. */
  readonly sha256: string
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/**
 * Reads and checks a model folder.
 *
 * @throws UserError naming file, key, expected and found, if anything is missing, unknown, misshapen or not finite, or if the
 * weights are not those that were saved.
 */
export const loadModel = async (path: string): Promise<LoadedModel> => {
  const config = await readConfig(path)
  const layout = layoutOf(config, join(path, CONFIG_FILE))
  const { weights, sha256 } = await readWeightsOf(path, layout, config)
  return { path, config, layout, weights, sha256 }
}

/**
 * A folder's weights, and their hash.
 *
 * @param config what its config holds of them; files of earlier versions have no hash.
 * @throws UserError, see `readWeights`, or if they are not those that were saved.
 */
export const readWeightsOf = async (
  path: string,
  layout: Layout,
  { kind, weights_sha256 }: { readonly kind: string; readonly weights_sha256?: string },
): Promise<Pick<LoadedModel, 'weights' | 'sha256'>> => {
  const file = join(path, WEIGHTS_FILE)
  const bytes = await readBytes(file, 'model weights')
  const weights = readWeights(bytes, layout, file, kind)
  const sha256 = sha256Of(bytes)
  if (sha256 !== (weights_sha256 ?? sha256))
    throw new UserError(`${file} is damaged, or of another model: its hash is not that in ${CONFIG_FILE}`, {
      remedy: `copy the model again (if its weights were changed on purpose, remove weights_sha256 from ${CONFIG_FILE})`,
    })
  return { weights, sha256 }
}

/**
 * What a model folder says of itself.
 *
 * @throws UserError if it is missing, or is wrong.
 */
export const readConfig = async (path: string): Promise<ModelConfig> => {
  const [json, file] = await readConfigFile(path)
  if (isAutoencoder(json) || isDiffusersAutoencoder(json))
    throw new UserError(`${path} is an autoencoder, which paints nothing by itself`, {
      remedy: 'give a model that train or distill made',
      option: 'model',
    })
  return parseModelConfig(json, file)
}

/**
 * What the config.json of a folder holds, and its path.
 *
 * @throws UserError if there is none, or if it is not JSON.
 */
export const readConfigFile = async (path: string): Promise<[json: unknown, file: string]> => {
  await expectModel(path)
  const file = join(path, CONFIG_FILE)
  const text = new TextDecoder().decode(await readBytes(file, 'model config'))
  try {
    return [JSON.parse(text), file]
  } catch (cause) {
    throw new UserError(`${file} is not JSON: ${(cause as Error).message}`)
  }
}

/** @throws UserError if there is no model folder at a path, saying what is there instead. */
const expectModel = async (path: string): Promise<void> => {
  const remedy = `a model is a folder with ${CONFIG_FILE} and ${WEIGHTS_FILE}, as train and distill make it`
  const found = await stat(path).catch(() => undefined)
  if (!found) throw new UserError(`there is no ${path}`, { remedy, option: 'model' })
  if (!found.isDirectory()) throw new UserError(`${path} is not a folder`, { remedy, option: 'model' })
  if (existsSync(join(path, CONFIG_FILE))) return
  if (existsSync(join(path, PLAN_FILE)))
    throw new UserError(`the run in ${path} is not finished, so there is no model yet`, {
      remedy: 'the command that started it goes on with it',
    })
  throw new UserError(`there is no ${CONFIG_FILE} in ${path}`, { remedy })
}

/**
 * The weights that a model's network has.
 *
 * @param file that describes it.
 * @throws UserError if there is no such network.
 */
export const layoutOf = ({ network }: Pick<ModelConfig, 'network'>, file: string): Layout => {
  try {
    return networkLayout(network)
  } catch (cause) {
    throw new UserError(`${file}: the network cannot be built: ${(cause as Error).message}`, { cause })
  }
}

/**
 * Writes a model folder; the config last, since its presence says that the folder is a model. It holds the weights' hash.
 *
 * @returns the config as it was written, and bytes and sha256 of model.safetensors.
 * @throws UserError if the folder cannot be written, or if a weight is too large for fp16 (65504).
 */
export const saveModel = async (
  path: string,
  config: ModelConfig,
  weights: Float32Array,
  storage: SavedStorage = 'fp32',
): Promise<{ config: ModelConfig; bytes: number; sha256: string }> => {
  const { format, kind, network } = config
  const bytes = weightsFile(networkLayout(network), weights, storage, { format, kind })
  await makeFolder(path)
  await writeFileAtomic(join(path, WEIGHTS_FILE), bytes)
  const sha256 = sha256Of(bytes)
  const whole: ModelConfig = { ...config, weights_sha256: sha256 }
  await writeFileAtomic(join(path, CONFIG_FILE), `${JSON.stringify(storedConfig(whole), null, 2)}\n`)
  return { config: whole, bytes: bytes.length, sha256 }
}
