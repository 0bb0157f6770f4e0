/** What is trained: networks, batches of real pictures with their captions, initial weights. */
import { diffusion, EDM } from '@onestroke/core/diffusion'
import { serializeSafetensors } from '@onestroke/core/formats'
import { networkInputShapes, networkLayout } from '@onestroke/core/nn'
import { buildTextVocabulary, conditionerOf } from '@onestroke/core/text'
import { BatchMaker, loadDataset, OPTIMIZER_DEFAULTS, presetNetwork } from 'onestroke'
import { CATEGORY } from '../lib/emoji.js'

/**
 * @typedef {import('@onestroke/core/nn').NetworkConfig} NetworkConfig
 * @typedef {import('@onestroke/core/diffusion').DenoiserConfig} DenoiserConfig
 * @typedef {import('@onestroke/core/text').Vocabulary} Vocabulary
 * @typedef {{ resolution: number, about: string, network(vocabulary: Vocabulary): NetworkConfig }} Case
 * @typedef {object} Job what both sides are told; weights and batches are in a file
 * @property {DenoiserConfig} config
 * @property {import('onestroke').OptimizerOptions} optimizer
 * @property {number} batch
 * @property {number} threads
 * @property {number} learning_rate
 * @property {number} ema_decay
 */

/** Of its categories those in which the shipped models were trained. */
export const DATA = 'iconify:fluent-emoji-flat'
/** Batches that both sides go through, over and over. */
export const BATCHES = 4

/** @type {Record<string, Case>} */
export const CASES = {
  'small-16': {
    resolution: 16,
    about: 'preset small (hourglass), 16×16',
    network: (vocabulary) => presetNetwork('small', { channels: 3, height: 16, width: 16 }, vocabulary),
  },
  'base-32': {
    resolution: 32,
    about: 'preset base (hourglass), 32×32',
    network: (vocabulary) => presetNetwork('base', { channels: 3, height: 32, width: 32 }, vocabulary),
  },
  'unet-16': {
    resolution: 16,
    about: 'convolutional U-Net, 16×16',
    network: (vocabulary) => ({
      type: 'unet',
      height: 16,
      width: 16,
      channels: 3,
      patch_size: 1,
      groups: 8,
      levels: [
        { width: 64, depth: 2, attention: 0 },
        { width: 128, depth: 2, attention: 4 },
      ],
      embedding: {
        width: 256,
        token_width: 64,
        condition: conditionerOf(vocabulary).shape,
        guidance_embedding: false,
        jump_embedding: false,
      },
    }),
  },
}

/**
 * Everything about a case: the job, and a safetensors file with `weights.NAME` and `batches.I.NAME`.
 *
 * @param {Case} one
 * @param {{ batch: number, threads: number, seed: number }} settings
 */
export const prepare = async ({ resolution, network: networkFor }, { batch, threads, seed }) => {
  const dataset = await loadDataset(DATA, { resolution, category: CATEGORY.split(',') })
  const vocabulary = buildTextVocabulary(dataset.names ?? [])
  const network = networkFor(vocabulary)
  /** @type {DenoiserConfig} */
  const config = {
    network,
    ...EDM,
    sigma_min: 0.01,
    sigma_max: 2.5 * resolution,
    sigma_data: 0.5,
  }
  /** @type {Job} */
  const job = {
    config,
    optimizer: OPTIMIZER_DEFAULTS,
    batch,
    threads,
    learning_rate: 1e-3,
    ema_decay: 0.999,
  }
  const maker = new BatchMaker({
    kind: 'noised',
    dataset,
    vocabulary,
    seed,
    batch,
    images: batch * BATCHES,
    range: config,
    objective: diffusion.name,
    guidance_scale: 1,
    options: diffusion.options,
    augment: { flip: false, translate: 0 },
    condition_dropout: 0.1,
    word_dropout: 0.05,
  })
  const { x, condition } = networkInputShapes(network, batch)
  // The words of these categories are few: prompts come as dense bags, which PyTorch's side takes.
  /** @type {Record<string, any>} */
  const shapes = { x0: x, noise: x, t: [batch], condition }
  const layout = networkLayout(network)
  const weights = layout.unflatten(layout.initialize(seed))
  /** @returns {import('@onestroke/core/formats').SafetensorsTensor} */
  const tensor = (
    /** @type {string} */ name,
    /** @type {readonly number[]} */ shape,
    /** @type {Float32Array} */ data,
  ) => ({ name, dtype: 'F32', shape, data })
  const file = serializeSafetensors([
    ...layout.specs.map(({ name, shape }) => tensor(`weights.${name}`, shape, weights[name])),
    ...(
      await Promise.all(
        Array.from({ length: BATCHES }, async (_, i) => {
          const { x0, noise, t, condition } = await maker.make(i)
          return Object.entries({ x0, noise, t, condition }).map(([name, data]) =>
            tensor(`batches.${i}.${name}`, shapes[name], /** @type {Float32Array} */ (data)),
          )
        }),
      )
    ).flat(),
  ])
  return { job, file, parameters: layout.size, images: dataset.count }
}
