/** How fast this machine is just now, by timing a little of everything. */
import type { Dataset } from '../data/index.js'
import { type LoadedModel, Model } from '../model/index.js'
import type { Speeds } from './effort.js'
import { featureStepSeconds, hasFeatures } from './features.js'
import { BATCH } from './judge.js'
import { asSeenBy, samplePrompts } from './prompts.js'
import { randomExtractor } from './random-features.js'

interface SpeedsOptions {
  readonly dataset: Dataset
  readonly student: Model
  /** Where there is a teacher: it, and the scale of its guidance. */
  readonly path?: { readonly teacher: LoadedModel; readonly guidance_scale: number }
}

/** Seconds that pictures take: a few batches of 64 are painted in one step, and made into features. */
export const pictureSpeeds = async ({
  dataset,
  student,
  path,
}: SpeedsOptions): Promise<Pick<Speeds, 'student' | 'teacher' | 'feature'>> => {
  const own = await paintingSeconds(student, dataset, {})
  const teacher = path && Model.of(path.teacher)
  const taught = teacher
    ? await paintingSeconds(teacher, dataset, { solver: 'ddim', guidance_scale: path!.guidance_scale })
    : own
  await teacher?.release()
  const extractor = await randomExtractor(dataset)
  const { channels, height, width } = dataset
  const pictures = new Float32Array(BATCH * channels * height * width)
  const feature = await secondsOf(() => extractor.extract(pictures, BATCH, channels, height))
  return { student: own, teacher: taught, feature: feature / BATCH }
}

/** Seconds of a step of training the dataset's feature network; 0 if that is there. */
export const featureTrainingSpeed = async (dataset: Dataset): Promise<number> =>
  hasFeatures(dataset) ? 0 : featureStepSeconds(dataset)

const paintingSeconds = async (
  model: Model,
  dataset: Dataset,
  how: { solver?: 'ddim'; guidance_scale?: number },
): Promise<number> => {
  const prompts = samplePrompts(asSeenBy(model.config, dataset), BATCH)
  return (await secondsOf(() => model.generate({ ...how, prompts, num_inference_steps: 1 }))) / BATCH
}

/** The second time counts: the first compiles. */
const secondsOf = async (work: () => Promise<unknown>): Promise<number> => {
  await work()
  const begin = performance.now()
  await work()
  return (performance.now() - begin) / 1000
}
