/** Who judges: the user's features, the project's own, and two spaces that took no part in training or choosing. */
import { basename } from 'node:path'
import type { Dataset } from '../data/index.js'
import { type FeatureSpace, networkSpace } from './feature-space.js'
import { type FeatureExtractor, type FeatureOptions, featuresFor } from './features.js'
import { pixelSpace } from './pixel-features.js'
import { randomSpace } from './random-features.js'

/** The project's own features of a dataset, by which weights and noise levels of students are chosen. */
export const ownSpace = (extractor: FeatureExtractor, dataset: Dataset): FeatureSpace =>
  networkSpace(
    extractor,
    dataset,
    {
      name: 'own',
      about: `the ${extractor.name}: a small network trained on the data, which also chooses weights and noise levels.`,
      took_part: true,
    },
    false,
  )

export interface JudgesOptions extends FeatureOptions {
  /** The dataset's own features, if they are open already; null leaves this judge out. */
  readonly own?: FeatureExtractor | null
  /** Real pictures that stand for the dataset, spread evenly over it; by default all, 20,000 at most. */
  readonly real_samples?: number
}

/**
 * The judges of a model, the first first: the user's features if there are any, then `own`, `random-conv` and `pixels`.
 * `reference` is what pictures are compared with, and what the last two are fitted to.
 */
export const judgesFor = async (
  dataset: Dataset,
  reference: Dataset,
  { file, own, real_samples, ...options }: JudgesOptions,
): Promise<[FeatureSpace, ...FeatureSpace[]]> => {
  const random = await randomSpace(reference, real_samples)
  const judges: FeatureSpace[] = file === undefined ? [] : [await fileSpace(file, dataset)]
  if (own !== null) judges.push(ownSpace(own ?? (await featuresFor(dataset, options)), dataset))
  const [first = random, ...rest] = [...judges, random, pixelSpace(reference, real_samples)]
  return [first, ...rest]
}

const fileSpace = async (file: string, dataset: Dataset): Promise<FeatureSpace> => {
  const info = {
    name: basename(file),
    about: `the features of ${basename(file)}, which the user brought.`,
    took_part: false,
  }
  return networkSpace(await featuresFor(dataset, { file }), dataset, info, true)
}
