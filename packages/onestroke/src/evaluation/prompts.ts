import type { ModelConfig } from '@onestroke/core/formats'
import { LEARNS } from '@onestroke/core/text'
import type { Dataset } from '../data/index.js'

/** A dataset as a model reads it: with captions if the model takes prompts, with classes if it takes classes. */
export const asSeenBy = (
  { vocabulary: { kind } }: Pick<ModelConfig, 'vocabulary'>,
  dataset: Dataset,
): Dataset => {
  const { names, styles, labels, classes, ...pictures } = dataset
  const learns = LEARNS[kind]
  switch (learns) {
    case 'captions':
      return dataset
    case 'classes':
      return labels && classes ? { ...pictures, labels, classes } : pictures
    case 'nothing':
      return pictures
    default:
      return learns satisfies never
  }
}

/** The guidance scale at which a network itself is asked: what it recommends if the scale is an input of it. */
export const learnedGuidance = ({ network, sampling }: Pick<ModelConfig, 'network' | 'sampling'>) =>
  network.embedding.guidance_embedding ? { guidance_scale: sampling.guidance_scale } : {}

/** Prompts of a dataset, spread evenly over it, or its classes in turn, of those that have pictures. */
export const samplePrompts = ({ names, classes, labels, count }: Dataset, n: number): string[] => {
  const shown = classes?.filter((_, label) => labels!.includes(label))
  return Array.from({ length: n }, (_, i) => {
    if (names) return names[Math.floor(((i + 0.5) * count) / n)]!
    return shown ? shown[i % shown.length]! : ''
  })
}

/**
 * Pictures by which one student or setting is preferred to another: every picture's prompt once, within limits. With fewer
 * prompts than pictures the distance to the data would prefer a blur, which is nearer to the pictures left out.
 */
export const samplesToChoose = (pictures: number): number => Math.min(Math.max(pictures, 512), 2048)
