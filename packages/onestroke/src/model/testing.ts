/** A model that is damaged where no hash tells of it. */
import { join } from 'node:path'
import { conditionerOf } from '@onestroke/core/text'
import { loadModel, saveModel } from './folder.js'

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
