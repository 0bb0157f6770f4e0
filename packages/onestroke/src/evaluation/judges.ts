/** The judges: the user's features, the project's own, and spaces that took no part in training or choosing. */
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

/** One of the project's judges. */
interface JudgeKind {
  /** What it is called in reports: two or three words. */
  readonly label: string
  /**
   * Its space; undefined where it is left out.
   *
   * @param reference what pictures are compared with: spaces that are not trained are fitted to it.
   */
  open(dataset: Dataset, reference: Dataset, options: JudgesOptions): Promise<FeatureSpace | undefined>
}

/** Every judge by its name in documents, in the order in which they are shown. */
export const JUDGES = {
  own: {
    label: 'own features',
    open: async (dataset, _, { own, ...options }) =>
      own === null ? undefined : ownSpace(own ?? (await featuresFor(dataset, options)), dataset),
  },
  'random-conv': {
    label: 'random-conv',
    open: (_, reference, { real_samples }) => randomSpace(reference, real_samples),
  },
  pixels: {
    label: 'pixels',
    open: async (_, reference, { real_samples }) => pixelSpace(reference, real_samples),
  },
} as const satisfies Readonly<Record<string, JudgeKind>>

/** What a judge is called in reports: the user's features by the name of their file. */
export const judgeLabel = (name: string): string =>
  Object.hasOwn(JUDGES, name) ? JUDGES[name as keyof typeof JUDGES].label : name

/**
 * The judges of a model, the first first: the user's features if there are any, then `JUDGES`. `reference` is what pictures
 * are compared with.
 */
export const judgesFor = async (
  dataset: Dataset,
  reference: Dataset,
  { file, ...options }: JudgesOptions,
): Promise<[FeatureSpace, ...FeatureSpace[]]> => {
  const judges: FeatureSpace[] = file === undefined ? [] : [await fileSpace(file, dataset)]
  for (const { open } of Object.values<JudgeKind>(JUDGES)) {
    const space = await open(dataset, reference, options)
    if (space) judges.push(space)
  }
  const [first, ...rest] = judges
  return [first!, ...rest]
}

const fileSpace = async (file: string, dataset: Dataset): Promise<FeatureSpace> => {
  const info = {
    name: basename(file),
    about: `the features of ${basename(file)}, which the user brought.`,
    took_part: false,
  }
  return networkSpace(await featuresFor(dataset, { file }), dataset, info, true)
}
