import { karrasSigma } from '@onestroke/core/diffusion'
import type { Dataset } from '../data/index.js'
import {
  DENOISING_LEVELS,
  DENOISING_PICTURES,
  learnedGuidance,
  pictureOf,
  samplePrompts,
} from '../evaluation/index.js'
import type { LoadedModel, OpenModels } from '../model/index.js'

/**
 * Root mean squared error against the clean point per noise level, of student, teacher and of the noisy point itself;
 * points are pictures, or latents. A student that has become the identity at small noise shows here, and nowhere in its loss.
 */
export const denoisingErrors = async (
  student: LoadedModel,
  teacher: LoadedModel,
  dataset: Dataset,
  open: OpenModels,
) => {
  const models = [open.of(student), open.of(teacher)] as const
  const size = models[0].pictureSize
  const prompts = samplePrompts(dataset, DENOISING_PICTURES)
  const pictures = new Float32Array(DENOISING_PICTURES * size)
  for (let i = 0; i < DENOISING_PICTURES; i++)
    pictures.set(pictureOf(dataset, pictureIndex(dataset, i, prompts[i]!)), i * size)
  const x0 = await models[0].codec.encode(pictures)
  const noise = models[0].noise(2, 0, DENOISING_PICTURES)
  const sigma = Array.from({ length: DENOISING_LEVELS }, (_, i) =>
    karrasSigma(i / (DENOISING_LEVELS - 1), teacher.config),
  ).reverse()
  const result = { sigma, student: [] as number[], teacher: [] as number[], identity: [...sigma] }
  for (const level of sigma) {
    const x = x0.map((value, i) => value + level * noise[i]!)
    for (const [i, name] of (['student', 'teacher'] as const).entries()) {
      const denoise = await models[i]!.denoiser(prompts, learnedGuidance(models[i]!.config))
      const denoised = await denoise(x, level)
      let sum = 0
      for (let k = 0; k < x0.length; k++) sum += (denoised[k]! - x0[k]!) ** 2
      result[name].push(Math.sqrt(sum / x0.length))
    }
  }
  return result
}

/** A picture that prompt i of `samplePrompts` names: the very one for captions, the first one for classes. */
const pictureIndex = ({ names, labels, classes, count }: Dataset, i: number, prompt: string): number => {
  if (names || !classes) return Math.floor(((i + 0.5) * count) / DENOISING_PICTURES)
  return labels!.indexOf(classes.indexOf(prompt))
}
