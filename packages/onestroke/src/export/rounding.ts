/** Measures how storing weights in fewer bytes changes them, and the pictures. */
import { UserError } from '@onestroke/core/errors'
import { NotFiniteError, type Pipeline, type PipelineConfig } from '@onestroke/core/pipeline'
import { type Storage, stored } from '@onestroke/core/tensor'
import { conditionerOf } from '@onestroke/core/text'
import { teacherDistance } from '../metrics/index.js'
import { type LoadedModel, Model } from '../model/index.js'

/** A model whose weights, and those of its autoencoder, have the values that they have after being stored in this type. */
export const rounded = (model: LoadedModel, storage: Storage): LoadedModel => {
  const { autoencoder } = model
  return {
    ...model,
    weights: roundedWeights(model, storage),
    autoencoder: autoencoder && { ...autoencoder, weights: roundedWeights(autoencoder, storage) },
  }
}

const roundedWeights = (
  { layout, weights }: Pick<LoadedModel, 'layout' | 'weights'>,
  storage: Storage,
): Float32Array => {
  const all = new Float32Array(layout.size)
  for (const { offset, size, shape } of layout.specs)
    all.set(stored(weights.subarray(offset, offset + size), shape, storage), offset)
  return all
}

/** Pictures by which an export is compared with its model. */
const COMPARED = 16

/**
 * How far apart the pictures are, in [-1, 1], of what was exported and of the weights as trained. Releases the former.
 *
 * @throws UserError if what was exported paints no pictures.
 */
export const rmseToTrained = async (
  loaded: LoadedModel,
  exported: Pipeline<PipelineConfig>,
  storage: Storage,
): Promise<number> => {
  const { known } = conditionerOf(loaded.config.vocabulary)
  const options = {
    prompts: Array.from({ length: COMPARED }, (_, i) => known[Math.floor((i * known.length) / COMPARED)]!),
    num_inference_steps: 1,
  }
  const trained = Model.of(loaded)
  const expected = await trained.generate(options)
  const found = await exported.generate(options).catch((error) => {
    if (error instanceof NotFiniteError) return undefined
    throw error
  })
  await Promise.all([trained.release(), exported.release()])
  if (!found)
    throw new UserError(`in ${storage} the model paints nothing: a weight is too large for it`, {
      remedy: '`dtype` fp32 keeps it',
    })
  return teacherDistance(found.data, expected.data)
}
