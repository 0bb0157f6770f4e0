/** How the files of any folder with a config and weights are read. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '@onestroke/core/errors'
import type { Layout } from '@onestroke/core/nn'
import { readBytes } from '../formats/index.js'
import { CONFIG_FILE, PLAN_FILE, WEIGHTS_FILE } from '../run-files.js'
import { readWeights } from './weights.js'

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

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
): Promise<{ weights: Float32Array; sha256: string }> => {
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
