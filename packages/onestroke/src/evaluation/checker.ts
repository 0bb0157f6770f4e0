/** Measures the quality of a student during its training, which a loss cannot tell. */
import { permutation, STREAM } from '@onestroke/core/random'
import type { Dataset } from '../data/index.js'
import { teacherDistance } from '../metrics/index.js'
import { type LoadedModel, Model } from '../model/index.js'
import { BANDS, bandLimits, type RunOptions } from '../training/index.js'
import type { FeatureExtractor } from './features.js'
import { BATCH, Judge } from './judge.js'
import { asSeenBy, learnedGuidance, samplePrompts } from './prompts.js'
import { sharedPainter } from './shared-steps.js'

/** Seeds of the noise, which no evaluation uses. */
export const CHECK_SEEDS: readonly number[] = [978, 1978]
const STEPS = [1, 2, 4]
/** Most pictures of the dataset that judge a student with each seed. */
export const CHECK_PICTURES = 512
/** The fewest that are enough for a covariance. */
const FEWEST_PICTURES = 256
/** Heun steps of the teacher's path within a band. */
export const STEPS_PER_BAND = 6

/** Points of the teacher's path at the upper limit of each band, from fixed noises, and where it ends. */
interface Path {
  readonly prompts: readonly string[]
  readonly points: readonly { readonly sigma: number; readonly x: Float32Array }[]
  readonly end: Float32Array
}

interface CheckerOptions {
  /** Pictures for each seed, 256 or more. */
  readonly pictures?: number
  /** Where there is a teacher: it, and the scale of its guidance. */
  readonly path?: { readonly teacher: LoadedModel; readonly guidance_scale: number }
}

/**
 * Makes the measurement of a student during its training: the Fréchet distance at 1, 2 and 4 steps, on fixed noises, and, where there
 * is a teacher, how far the student's answer is from the end of the teacher's path, by band of noise levels.
 *
 * Two noise seeds tell how much of a change is noise. So that they cost no more than one would, each has pictures of its
 * own (`rowsOfSeed`), of which it paints the prompts, and by which alone it is judged: 512 pictures for each seed.
 * At γ = 1, where the first step is done once for all step counts, that is 5,120 pictures through the network. Eight
 * checks of the shipped sizes take about half a minute at 16×16 and under two at 32×32, on two cores: 2 and 9 % of a
 * distillation's 20 minutes.
 */
export const qualityChecker = async (
  data: Dataset,
  extractor: FeatureExtractor,
  { path, pictures = CHECK_PICTURES }: CheckerOptions = {},
): Promise<NonNullable<RunOptions['check']>> => {
  const dataset = path ? asSeenBy(path.teacher.config, data) : data
  const judges: Judge[] = []
  for (const [i, seed] of CHECK_SEEDS.entries()) {
    const rows = rowsOfSeed(dataset, i, pictures)
    judges.push(await Judge.of(extractor, dataset, { samples: Math.max(rows.length, pictures), seed, rows }))
  }
  const taught = path && (await pathOf(path.teacher, dataset, path.guidance_scale))
  return async (model) => {
    const fids: number[][] = []
    for (const [i, judge] of judges.entries()) fids.push(await fidsOf(model, judge, CHECK_SEEDS[i]!))
    return {
      fid: Object.fromEntries(STEPS.map((steps, i) => [steps, mean(fids.map((one) => one[i]!))])),
      scores: fids.map((one) => Math.exp(mean(one.map(Math.log)))),
      teacher_distance: taught ? await distanceTo(taught, model) : null,
    }
  }
}

/** By number of steps. */
const fidsOf = async (model: Model, judge: Judge, seed: number): Promise<number[]> => {
  const paint = sharedPainter(model, judge)
  const fids: number[] = []
  for (const steps of STEPS)
    fids.push(await judge.fid(await paint(model.sigmas(steps), seed, model.sigmas(1))))
  return fids
}

/**
 * The pictures that belong to one of the seeds: up to `most`, drawn at random, and none that belongs to another. In a set
 * too small to be shared out, all pictures belong to each.
 *
 * Prompts and pictures go together: a student judged by pictures whose prompts it was not asked for would be preferred
 * when it paints a blur, which is nearer to those.
 */
export const rowsOfSeed = (
  { count }: Pick<Dataset, 'count'>,
  i: number,
  most = CHECK_PICTURES,
): readonly number[] => {
  const own = Math.min(Math.floor(count / CHECK_SEEDS.length), most)
  if (own < FEWEST_PICTURES) return Array.from({ length: count }, (_, row) => row)
  const order = permutation(count, { seed: CHECK_SEEDS[0]!, stream: STREAM.resample, step: 0, index: 0 })
  return [...order.subarray(i * own, (i + 1) * own)]
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

const distanceTo = async ({ prompts, points, end }: Path, model: Model): Promise<number[]> => {
  const denoise = await model.denoiser(prompts, learnedGuidance(model.config))
  const distances: number[] = []
  for (const { sigma, x } of points) distances.push(teacherDistance(await denoise(x, sigma), end))
  return distances
}

const pathOf = async (teacher: LoadedModel, dataset: Dataset, guidance_scale: number): Promise<Path> => {
  const model = Model.of(teacher)
  const { sigma_max } = teacher.config
  const prompts = samplePrompts(dataset, BATCH)
  const limits = bandLimits(teacher.config)
  const points = [
    { sigma: sigma_max, x: model.noise(CHECK_SEEDS[0]!, 0, BATCH).map((value) => value * sigma_max) },
  ]
  const end = await model.points({
    prompts,
    seed: CHECK_SEEDS[0]!,
    solver: 'heun',
    schedule: 'karras',
    guidance_scale,
    num_inference_steps: BANDS * STEPS_PER_BAND + 1,
    onStep: (step, x) => {
      const band = (step + 1) / STEPS_PER_BAND
      if (Number.isInteger(band) && band < BANDS) points.push({ sigma: limits[band]!, x: x.slice() })
    },
  })
  await model.release()
  return { prompts, points, end }
}
