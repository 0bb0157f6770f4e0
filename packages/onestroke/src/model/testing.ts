/** Models for tests: one that is damaged where no hash tells of it, and one whose pictures are no squares. */
import { join } from 'node:path'
import { networkLayout } from '@onestroke/core/nn'
import type { PictureSize } from '@onestroke/core/picture'
import { Random } from '@onestroke/core/random'
import { presetNetwork } from '../training/index.js'
import { loadModel, saveModel } from './folder.js'
import { Model } from './model.js'

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
  const begin = offset + Model.of(loaded).encode('owl')[0]!.entry * width!
  await saveModel(path, loaded.config, loaded.weights.slice().fill(3e38, begin, begin + width!))
  return path
}

/**
 * Writes a model that nobody trained, of two classes, whose pictures have such a size.
 *
 * @param parent hash of a student's teacher
 * @returns its path, and the hash of its weights.
 */
export const untrained = async (
  folder: string,
  size: PictureSize,
  { kind = 'student', parent }: { kind?: 'student' | 'teacher'; parent?: string } = {},
): Promise<{ path: string; sha256: string }> => {
  const path = join(folder, `${kind}-${size.width}x${size.height}`)
  const isStudent = kind === 'student'
  const vocabulary = { kind: 'class' as const, classes: ['cat', 'dog'] }
  const network = presetNetwork('tiny', { channels: 3, ...size }, vocabulary)
  const { size: count } = networkLayout(network)
  const random = new Random({ seed: 1, stream: 0, step: 0, index: 0 })
  const weights = random.fillNormal(new Float32Array(count)).map((value) => 0.1 * value)
  const { sha256 } = await saveModel(
    path,
    {
      format: 'onestroke/1',
      kind,
      network,
      parametrization: isStudent ? 'consistency' : 'edm',
      sigma_min: 0.01,
      sigma_max: 40,
      sigma_data: 0.5,
      vocabulary,
      sampling: {
        solver: isStudent ? 'consistency' : 'dpmpp_2m',
        schedule: 'karras',
        num_inference_steps: isStudent ? 1 : 4,
        guidance_scale: 1,
        gamma: 1,
        sigmas: {},
      },
      method: { name: 'none', options: {} },
      provenance: {
        ...(parent !== undefined && { parent }),
        data: { name: 'none', sha256: '', images: 1 },
        images_seen: 0,
        seconds: 0,
        seed: 1,
        preset: 'tiny',
        versions: {},
      },
    },
    weights,
  )
  return { path, sha256 }
}
