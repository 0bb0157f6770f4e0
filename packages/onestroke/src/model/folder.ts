/** The model folder: config.json and model.safetensors. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '@onestroke/core/errors'
import {
  type ModelConfig,
  parseModelConfig,
  parseSafetensors,
  type SafetensorsDtype,
  serializeSafetensors,
  storedConfig,
  toFloat32,
} from '@onestroke/core/formats'
import { type Layout, networkLayout } from '@onestroke/core/nn'
import { halfOf, ofHalves, type Storage } from '@onestroke/core/tensor'
import { readBytes, writeFileAtomic } from '../formats/index.js'
import { CONFIG_FILE, PLAN_FILE, WEIGHTS_FILE } from '../run-files.js'
import { makeFolder } from './make-folder.js'

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
  const weightsPath = join(path, WEIGHTS_FILE)
  const bytes = await readBytes(weightsPath, 'model weights')
  const weights = readWeights(bytes, layout, weightsPath)
  const sha256 = sha256Of(bytes)
  const { weights_sha256 = sha256 } = config
  if (sha256 !== weights_sha256)
    throw new UserError(
      `${weightsPath} is damaged, or of another model: its hash is not that in ${CONFIG_FILE}`,
      {
        remedy: `copy the model again (if its weights were changed on purpose, remove weights_sha256 from ${CONFIG_FILE})`,
      },
    )
  return { path, config, layout, weights, sha256 }
}

/**
 * What a model folder says of itself.
 *
 * @throws UserError if it is missing, or is wrong.
 */
export const readConfig = async (path: string): Promise<ModelConfig> => {
  const configPath = join(path, CONFIG_FILE)
  await expectModel(path)
  const text = new TextDecoder().decode(await readBytes(configPath, 'model config'))
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new UserError(`${configPath} is not JSON: ${(cause as Error).message}`)
  }
  return parseModelConfig(json, configPath)
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

const readWeights = (bytes: Uint8Array, layout: Layout, file: string): Float32Array => {
  const { tensors } = parseSafetensors(bytes, file)
  for (const { name, shape } of layout.specs) {
    const entry = tensors.get(name)
    if (!entry) throw new UserError(`${file}: the weight ${name} [${shape.join(', ')}] is missing`)
    if (entry.shape.join() !== shape.join())
      throw new UserError(
        `${file}: the weight ${name} has shape [${entry.shape.join(', ')}], but config.json asks for [${shape.join(', ')}]`,
      )
  }
  const flat = new Float32Array(layout.size)
  for (const { name, offset } of layout.specs) {
    const entry = tensors.get(name)!
    const values = toFloat32(entry, `${file}: ${name}`)
    const bad = values.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0) throw new UserError(`${file}: the weight ${name} holds ${values[bad]} at position ${bad}`)
    flat.set(values, offset)
  }
  const known = new Set(layout.specs.map(({ name }) => name))
  for (const name of tensors.keys())
    if (!known.has(name))
      throw new UserError(`${file}: the weight ${name} is unknown to the network in config.json`)
  return flat
}

/** What safetensors calls the ways to store weights that a model folder can have. */
const DTYPES = { fp32: 'F32', fp16: 'F16' } as const satisfies Partial<Record<Storage, SafetensorsDtype>>
export type SavedStorage = keyof typeof DTYPES
export const SAVED_STORAGES = Object.keys(DTYPES) as SavedStorage[]

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
  const tensors = networkLayout(config.network).specs.map(({ name, shape, offset, size }) => {
    const values = weights.subarray(offset, offset + size)
    return { name, dtype: DTYPES[storage], shape, data: saved(values, name, storage) }
  })
  const bytes = serializeSafetensors(tensors, { format: config.format, kind: config.kind })
  await makeFolder(path)
  await writeFileAtomic(join(path, WEIGHTS_FILE), bytes)
  const sha256 = sha256Of(bytes)
  const whole: ModelConfig = { ...config, weights_sha256: sha256 }
  await writeFileAtomic(join(path, CONFIG_FILE), `${JSON.stringify(storedConfig(whole), null, 2)}\n`)
  return { config: whole, bytes: bytes.length, sha256 }
}

const saved = (values: Float32Array, name: string, storage: SavedStorage): ArrayBufferView => {
  switch (storage) {
    case 'fp32':
      return values
    case 'fp16':
      return halves(values, name)
    default:
      return storage satisfies never
  }
}

const halves = (values: Float32Array, name: string): Uint16Array => {
  const rounded = Uint16Array.from(values, halfOf)
  const bad = ofHalves(rounded).findIndex((value) => !Number.isFinite(value))
  if (bad >= 0)
    throw new UserError(`the weight ${name} holds ${values[bad]}, too large for float16`, {
      remedy: '`dtype` fp32 keeps it',
    })
  return rounded
}
