/** The model folder: config.json and model.safetensors, and the folder of the autoencoder where there is one. */
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { UserError } from '@onestroke/core/errors'
import { isAutoencoder, type ModelConfig, parseModelConfig, storedConfig } from '@onestroke/core/formats'
import { type Layout, networkLayout } from '@onestroke/core/nn'
import { autoencoderOf } from '@onestroke/core/space'
import { writeFileAtomic } from '../formats/index.js'
import { AUTOENCODER_FOLDER, CONFIG_FILE, WEIGHTS_FILE } from '../run-files.js'
import { type LoadedAutoencoder, loadAutoencoder, saveAutoencoder } from './autoencoder.js'
import { isDiffusersAutoencoder } from './diffusers-autoencoder.js'
import { makeFolder } from './make-folder.js'
import { readConfigFile, readWeightsOf, sha256Of } from './read.js'
import { type SavedStorage, weightsFile } from './weights.js'

/** A model in memory: what config.json says, and all weights as one flat vector in the order of the layout. */
export interface LoadedModel {
  readonly path: string
  readonly config: ModelConfig
  readonly layout: Layout
  readonly weights: Float32Array
  /** Hash of model.safetensors. */
  readonly sha256: string
  /** What makes pictures of its points, where it works in latents. */
  readonly autoencoder?: LoadedAutoencoder
}

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
  return { path, config, layout, weights, sha256, autoencoder: await loadAutoencoderOf(path, config) }
}

/** @throws UserError if there is none, or if it is not the one that the config describes. */
const loadAutoencoderOf = async (
  path: string,
  { space }: Pick<ModelConfig, 'space'>,
): Promise<LoadedAutoencoder | undefined> => {
  const described = autoencoderOf(space)
  if (!described) return undefined
  const found = await loadAutoencoder(join(path, AUTOENCODER_FOLDER))
  if (!isDeepStrictEqual(found.config.network, described))
    throw new UserError(`${found.path} is not the autoencoder that ${join(path, CONFIG_FILE)} describes`, {
      remedy: 'copy the model again, with its folder of the autoencoder',
    })
  return found
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
  { config, weights, autoencoder }: Pick<LoadedModel, 'config' | 'weights' | 'autoencoder'>,
  storage: SavedStorage = 'fp32',
): Promise<{ config: ModelConfig; bytes: number; sha256: string }> => {
  const { format, kind, network } = config
  const bytes = weightsFile(networkLayout(network), weights, storage, { format, kind })
  await makeFolder(path)
  if (autoencoder) await saveAutoencoder(join(path, AUTOENCODER_FOLDER), autoencoder, storage)
  await writeFileAtomic(join(path, WEIGHTS_FILE), bytes)
  const sha256 = sha256Of(bytes)
  const whole: ModelConfig = { ...config, weights_sha256: sha256 }
  await writeFileAtomic(join(path, CONFIG_FILE), `${JSON.stringify(storedConfig(whole), null, 2)}\n`)
  return { config: whole, bytes: bytes.length, sha256 }
}
