/** Models for tests: one that is damaged where no hash tells of it, one of many words, and one whose pictures are no squares. */

import { join } from 'node:path'
import { autoencoderLayout } from '@onestroke/core/autoencoder'
import { EDM } from '@onestroke/core/diffusion'
import { networkLayout } from '@onestroke/core/nn'
import type { PictureSize } from '@onestroke/core/picture'
import { Random } from '@onestroke/core/random'
import { PIXELS, pointsOf, type Space } from '@onestroke/core/space'
import { conditionerOf } from '@onestroke/core/text'
import { SMALL } from '../../../core/src/autoencoder/testing.js'
import { UNTRAINED } from '../../../core/src/formats/testing-config.js'
import { presetNetwork } from '../training/index.js'
import type { LoadedAutoencoder } from './autoencoder.js'
import { type LoadedModel, loadModel, saveModel } from './folder.js'
import { sha256Of } from './read.js'

/**
 * Writes the shipped guided student into a folder, with such numbers for the word "owl" that what it then paints is not finite.
 *
 * @returns its path.
 */
export const boundlessOwl = async (folder: string): Promise<string> => {
  const path = join(folder, 'boundless-owl')
  const loaded = await loadModel('models/emoji-16-guided')
  const { offset, shape } = loaded.layout.specs.find(({ name }) => name === 'embedding.tokens.weight')!
  const [width] = shape.slice(1)
  const begin = offset + conditionerOf(loaded.config.vocabulary).read('owl')[0]!.entry * width!
  const weights = loaded.weights.slice().fill(3e38, begin, begin + width!)
  await saveModel(path, { config: loaded.config, weights })
  return path
}

/** A text model with so many words more, which nothing is known of: it paints the same pictures from prompts of its own words. */
export const withMoreWords = (loaded: LoadedModel, count: number): LoadedModel => {
  const { config, layout, weights } = loaded
  if (!('words' in config.vocabulary)) throw new Error('the model reads no words')
  const { words } = config.vocabulary
  const more = Array.from({ length: count }, (_, i) => `more${i}`)
  const vocabulary = { ...config.vocabulary, words: [...words, ...more] }
  const { embedding } = config.network
  const condition = conditionerOf(vocabulary).shape
  const network = { ...config.network, embedding: { ...embedding, condition } } as typeof config.network
  const larger = networkLayout(network)
  const tensors = layout.unflatten(weights)
  const flat = new Float32Array(larger.size)
  for (const { name, offset, shape } of larger.specs) {
    const values = tensors[name]!
    if (name !== 'embedding.tokens.weight') flat.set(values, offset)
    else {
      // The rows of trigrams come after those of words.
      const row = shape[1]!
      const own = (1 + words.length) * row
      flat.set(values.subarray(0, own), offset)
      flat.set(values.subarray(own), offset + own + count * row)
    }
  }
  return { ...loaded, config: { ...config, vocabulary, network }, layout: larger, weights: flat }
}

interface UntrainedOptions {
  readonly kind?: 'student' | 'teacher'
  readonly parent?: string
  readonly autoencoder?: LoadedAutoencoder
}

/**
 * Writes a model that nobody trained, of two classes, whose pictures have such a size.
 *
 * @param parent hash of a student's teacher
 * @param autoencoder in whose latents it works
 * @returns its path, and the hash of its weights.
 */
export const untrained = async (
  folder: string,
  size: PictureSize,
  { kind = 'student', parent, autoencoder }: UntrainedOptions = {},
): Promise<{ path: string; sha256: string }> => {
  const path = join(folder, `${kind}-${size.width}x${size.height}`)
  const isStudent = kind === 'student'
  const vocabulary = { kind: 'class' as const, classes: ['cat', 'dog'] }
  const space: Space = autoencoder ? { kind: 'latents', autoencoder: autoencoder.config.network } : PIXELS
  const { shape } = pointsOf(space, { channels: 3, ...size })
  const network = presetNetwork('tiny', shape, vocabulary)
  const { size: count } = networkLayout(network)
  const random = new Random({ seed: 1, stream: 0, step: 0, index: 0 })
  const weights = random.fillNormal(new Float32Array(count)).map((value) => 0.1 * value)
  const { sha256 } = await saveModel(path, {
    weights,
    autoencoder,
    config: {
      format: 'onestroke/1',
      kind,
      network,
      space,
      ...EDM,
      boundary: isStudent,
      ...UNTRAINED,
      sigma_max: 40,
      vocabulary,
      sampling: {
        ...UNTRAINED.sampling,
        solver: isStudent ? 'consistency' : 'dpmpp_2m',
        num_inference_steps: isStudent ? 1 : 4,
      },
      provenance: { ...UNTRAINED.provenance, parent },
    },
  })
  return { path, sha256 }
}

/** An autoencoder that nobody trained, of factor 4: see `SMALL`. */
export const untrainedAutoencoder = (seed = 1): LoadedAutoencoder => {
  const layout = autoencoderLayout(SMALL.convolutional)
  const random = new Random({ seed, stream: 0, step: 0, index: 0 })
  const weights = random.fillNormal(new Float32Array(layout.size)).map((value) => 0.2 * value)
  const sha256 = sha256Of(new Uint8Array(weights.buffer))
  const { data, images_seen, seconds, seed: own, preset, versions } = UNTRAINED.provenance
  return {
    path: 'untrained',
    layout,
    weights,
    sha256,
    config: {
      format: 'onestroke/1',
      kind: 'autoencoder',
      network: SMALL.convolutional,
      provenance: { data, images_seen, seconds, seed: own, preset, versions },
      weights_sha256: sha256,
    },
  }
}
