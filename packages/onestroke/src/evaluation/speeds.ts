/** Measures how fast this machine is now, by timing a little of each part. */
import { sizeOf } from '@onestroke/core/picture'
import type { Dataset } from '../data/index.js'
import { precisionRecall } from '../metrics/index.js'
import type { Model } from '../model/index.js'
import type { Speeds } from './effort.js'
import { featureStepSeconds, hasFeatures } from './features.js'
import { BATCH } from './judge.js'
import { asSeenBy, samplePrompts } from './prompts.js'
import { randomExtractor } from './random-features.js'

interface SpeedsOptions {
  readonly dataset: Dataset
  readonly student: Model
  readonly teacher?: Model
  /** The scale of the teacher’s guidance. */
  readonly guidance_scale?: number
}

/** Seconds that pictures take: a few batches of 64 are painted in one step, and made into features. */
export const pictureSpeeds = async ({
  dataset,
  student,
  teacher,
  guidance_scale = 1,
}: SpeedsOptions): Promise<Pick<Speeds, 'student' | 'teacher' | 'feature' | 'opening' | 'products'>> => {
  const own = await paintingSeconds(student, dataset, {})
  const taught = teacher ? await paintingSeconds(teacher, dataset, { solver: 'ddim', guidance_scale }) : own
  const extractor = await randomExtractor(dataset)
  const pictures = new Float32Array(BATCH * sizeOf(dataset))
  const feature = await secondsOf(() => extractor.extract(pictures, BATCH, dataset))
  return {
    student: own.each / BATCH,
    teacher: taught.each / BATCH,
    feature: feature.each / BATCH,
    opening: own.opening + (teacher ? taught.opening : 0),
    products: await productsSpeed(),
  }
}

/** Seconds of a step of training the dataset's feature network; 0 if that is there. */
export const featureTrainingSpeed = async (dataset: Dataset): Promise<number> =>
  hasFeatures(dataset) ? 0 : featureStepSeconds(dataset)

const paintingSeconds = async (
  model: Model,
  dataset: Dataset,
  how: { solver?: 'ddim'; guidance_scale?: number },
): Promise<Timed> => {
  const prompts = samplePrompts(asSeenBy(model.config, dataset), BATCH)
  return secondsOf(() => model.generate({ ...how, prompts, num_inference_steps: 1 }))
}

/** A first run of more milliseconds is not timed a second time. */
const SLOW = 2000

interface Timed {
  /** Seconds that the first time took longer: it compiles. */
  readonly opening: number
  readonly each: number
}

const secondsOf = async (work: () => Promise<unknown>): Promise<Timed> => {
  const begin = performance.now()
  await work()
  const opened = performance.now()
  // Timing uses up time of the run. If the first run took over two seconds, all runs are assumed to be as slow.
  if (opened - begin > SLOW) return { opening: 0, each: (opened - begin) / 1000 }
  await work()
  const each = performance.now() - opened
  return { opening: Math.max(0, opened - begin - each) / 1000, each: each / 1000 }
}

/** Products of two numbers a second in the metrics, which are JavaScript. */
const productsSpeed = async (): Promise<number> => {
  const [rows, dims] = [256, 64]
  const some = { data: new Float32Array(rows * dims).fill(0.5), count: rows, dims }
  const { each } = await secondsOf(async () => precisionRecall({ ...some }, { ...some }))
  return (2 * rows ** 2 * dims) / each
}
