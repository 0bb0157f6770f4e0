/** How good a student is while it is still being trained: what a loss cannot tell. */
import type { Dataset } from '../data/index.js'
import { teacherDistance } from '../metrics/index.js'
import { type LoadedModel, Model } from '../model/index.js'
import { BANDS, bandLimits, type RunOptions } from '../training/index.js'
import { type FeatureOptions, featuresFor } from './features.js'
import { BATCH, Judge } from './judge.js'
import { asSeenBy, learnedGuidance, samplePrompts, samplesToChoose } from './prompts.js'

/** Seed of the noise, which no evaluation uses. */
const SEED = 978
const STEPS = [1, 2, 4]
/** Heun steps of the teacher's path within a band. */
const STEPS_PER_BAND = 6

/** Where the teacher's path is at the upper limit of each band, from fixed noises, and where it ends. */
interface Path {
  readonly prompts: readonly string[]
  readonly points: readonly { readonly sigma: number; readonly x: Float32Array }[]
  readonly end: Float32Array
}

interface CheckerOptions extends FeatureOptions {
  /** Where there is a teacher: it, and the scale of its guidance. */
  readonly path?: { readonly teacher: LoadedModel; readonly guidance_scale: number }
}

/**
 * Makes what measures a student on the way: the Fréchet distance at 1, 2 and 4 steps, on fixed noises, and, where there
 * is a teacher, how far the student's answer is from the end of the teacher's path, by band of noise levels.
 */
export const qualityChecker = async (
  data: Dataset,
  { path, ...options }: CheckerOptions = {},
): Promise<NonNullable<RunOptions['check']>> => {
  const dataset = path ? asSeenBy(path.teacher.config, data) : data
  const extractor = await featuresFor(dataset, options)
  const judge = await Judge.of(extractor, dataset, { samples: samplesToChoose(dataset), seed: SEED })
  const taught = path && (await pathOf(path.teacher, dataset, path.guidance_scale))
  return async (model) => {
    const fid: Record<string, number> = {}
    for (const num_inference_steps of STEPS)
      fid[num_inference_steps] = await judge.fid((await judge.paint(model, { num_inference_steps })).pictures)
    return { fid, teacher_distance: taught ? await distanceTo(taught, model) : null }
  }
}

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
  const points = [{ sigma: sigma_max, x: model.noise(SEED, 0, BATCH).map((value) => value * sigma_max) }]
  const { data } = await model.generate({
    ...{ prompts, seed: SEED, solver: 'heun', schedule: 'karras', guidance_scale },
    num_inference_steps: BANDS * STEPS_PER_BAND + 1,
    onStep: (step, x) => {
      const band = (step + 1) / STEPS_PER_BAND
      if (Number.isInteger(band) && band < BANDS) points.push({ sigma: limits[band]!, x: x.slice() })
    },
  })
  await model.release()
  return { prompts, points, end: data }
}
