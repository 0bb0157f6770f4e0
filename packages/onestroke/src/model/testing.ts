/** Models that are made of others: one that is damaged where no hash tells of it, and one of many words. */
import { join } from 'node:path'
import { networkLayout } from '@onestroke/core/nn'
import { conditionerOf } from '@onestroke/core/text'
import { type LoadedModel, loadModel, saveModel } from './folder.js'

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
  await saveModel(path, loaded.config, loaded.weights.slice().fill(3e38, begin, begin + width!))
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
