/** What is trained: autoencoders by their factor, crops of real pictures, initial weights. */
import { autoencoderLayout, latentShape } from '@onestroke/core/autoencoder'
import { serializeSafetensors } from '@onestroke/core/formats'
import { square } from '@onestroke/core/picture'
import { autoencoderStep, CropMaker, loadDataset, OPTIMIZER_DEFAULTS, presetAutoencoder } from 'onestroke'

/**
 * @typedef {object} Job what both sides are told; weights and batches are in a file
 * @property {{ network: import('@onestroke/core/autoencoder').AutoencoderConfig }} config
 * @property {number} crop
 * @property {import('onestroke').OptimizerOptions} optimizer
 * @property {number} batch
 * @property {number} threads
 * @property {number} learning_rate
 * @property {number} ema_decay
 */

export const DATA = 'iconify:fluent-emoji-flat'
/** Pictures that crops are taken from, and their side. */
const PICTURES = 64
const RESOLUTION = 256
/** Batches that both sides go through, over and over. */
export const BATCHES = 4

/** Crops are eight times the factor, as `onestroke autoencoder` takes them. @type {Record<string, { factor: 8 | 16 | 32, crop: number }>} */
export const CASES = {
  f8: { factor: 8, crop: 64 },
  f16: { factor: 16, crop: 128 },
  f32: { factor: 32, crop: 256 },
}

/**
 * Everything about a case: the job, and a safetensors file with `weights.NAME` and `batches.I.NAME`.
 *
 * @param {(typeof CASES)[string]} one
 * @param {{ batch: number, threads: number, seed: number }} settings
 */
export const prepare = async ({ factor, crop }, { batch, threads, seed }) => {
  const dataset = await loadDataset(DATA, { resolution: RESOLUTION, limit: PICTURES })
  const network = presetAutoencoder(factor, dataset.channels)
  const layout = autoencoderLayout(network)
  /** @type {Job} */
  const job = {
    config: { network },
    crop,
    optimizer: { ...OPTIMIZER_DEFAULTS, beta2: 0.95 },
    batch,
    threads,
    learning_rate: 2e-3,
    ema_decay: 0.999,
  }
  const maker = new CropMaker({
    kind: 'crops',
    dataset,
    autoencoder: network,
    side: crop,
    seed,
    batch,
    images: batch * BATCHES,
    augment: { flip: false },
  })
  const { x0, noise } = autoencoderStep(network, batch, crop).inputs
  const weights = layout.unflatten(layout.initialize(seed))
  const made = await Promise.all(Array.from({ length: BATCHES }, (_, i) => maker.make(i)))
  const latents = latentShape(network, square(crop))
  const file = serializeSafetensors([
    ...layout.specs.map(({ name, shape }) => tensor(`weights.${name}`, shape, weights[name])),
    ...made.flatMap((batch, i) => [
      tensor(`batches.${i}.x0`, x0.shape, batch.x0),
      tensor(`batches.${i}.noise`, noise.shape, batch.noise),
    ]),
  ])
  const { channels, height, width } = latents
  return { job, file, parameters: layout.size, latents: [channels, height, width] }
}

/**
 * @param {string} name
 * @param {readonly number[]} shape
 * @param {Float32Array} data
 * @returns {import('@onestroke/core/formats').SafetensorsTensor}
 */
const tensor = (name, shape, data) => ({ name, dtype: 'F32', shape, data })
