/** How good a model is, and how fast: the rows of `onestroke evaluate`. */
import { evaluations, type SolverName } from '@onestroke/core/diffusion'
import { UserError } from '@onestroke/core/formats'
import type { Dataset } from '../data/index.js'
import {
  type Features,
  floor,
  frechetDistance,
  gaussianOf,
  kernelDistance,
  precisionRecall,
  promptRetrieval,
  teacherDistance,
} from '../metrics/index.js'
import { type LoadedModel, Model } from '../model/index.js'
import type { Evaluation, EvaluationRow } from '../report/index.js'
import { nodeRuntime } from '../runtime/index.js'
import { type FeatureExtractor, type FeatureOptions, featuresFor, featuresOfDataset } from './features.js'

/** A way to sample the teacher. */
export interface TeacherSetting {
  readonly solver: SolverName
  readonly steps: number
  readonly guidance_scale?: number
}

export interface EvaluateOptions extends FeatureOptions {
  readonly model: LoadedModel
  readonly teacher?: LoadedModel
  readonly dataset: Dataset
  /** Step counts of the student, and of the teacher with DDIM. */
  readonly steps: readonly number[]
  readonly samples: number
  readonly seed: number
  /** Many-step settings of the teacher, of which the best is its mark. */
  readonly teacher_settings?: readonly TeacherSetting[]
  /** Pictures by which the distance to the teacher's path is measured; 0 leaves it out. */
  readonly distance_samples?: number
  onProgress?(what: string, done: number, total: number): void
}

/** Many-step settings that are tried by default. */
export const TEACHER_SETTINGS: readonly TeacherSetting[] = [
  { solver: 'heun', steps: 18 },
  { solver: 'heun', steps: 32 },
  { solver: 'dpmpp_2m', steps: 20 },
]

/** Pictures that are painted at once, for every model and setting: speeds are compared at equal batch. */
const BATCH = 64
/** Steps of Heun's method that stand for the teacher's exact path. */
const PATH_STEPS = 64

/**
 * Measures a model on a dataset.
 *
 * @throws UserError if model and dataset do not fit together.
 */
export const evaluate = async (options: EvaluateOptions): Promise<Evaluation> => {
  const { model, teacher, dataset, samples, seed } = options
  for (const one of [model, teacher]) if (one) checkFit(one, dataset)
  const extractor = await featuresFor(dataset, options)
  const real = await featuresOfDataset(extractor, dataset)
  const test = dataset.test && (await featuresOfDataset(extractor, dataset.test))
  const judge = new Judge(extractor, real, dataset, samples, seed)
  const settings = settingsOf(options)
  const rows: EvaluationRow[] = []
  const models = new Map<LoadedModel, Model>()
  const modelOf = (loaded: LoadedModel) => {
    const known = models.get(loaded) ?? Model.of(loaded, nodeRuntime())
    models.set(loaded, known)
    return known
  }
  const path = teacher && model !== teacher ? await teacherPath(modelOf(teacher), judge, options) : undefined
  let painted = 0
  for (const setting of settings) {
    const tell = (done: number) =>
      options.onProgress?.(
        `${setting.who}, ${setting.solver}, ${setting.steps}`,
        painted + done,
        settings.length * samples,
      )
    rows.push(await judge.row(modelOf(setting.loaded), setting, path, tell))
    painted += samples
  }
  const student_is_student =
    teacher && path ? await differs(modelOf(model), path, judge, model.sha256 !== teacher.sha256) : null
  for (const one of models.values()) await one.release()
  return {
    model: { path: model.path, sha256: model.sha256, parameters: model.layout.size, kind: model.config.kind },
    data: { name: dataset.name, images: dataset.count },
    samples,
    seed,
    features: { name: extractor.name, sha256: extractor.sha256, dims: extractor.dims },
    floor: floor(real, { ...(test && { test }), seed }),
    rows,
    student_is_student,
  }
}

interface Setting {
  readonly who: 'student' | 'teacher'
  readonly loaded: LoadedModel
  readonly solver: SolverName | 'consistency'
  readonly steps: number
  readonly guidance_scale?: number
}

const settingsOf = ({
  model,
  teacher,
  steps,
  teacher_settings = TEACHER_SETTINGS,
}: EvaluateOptions): Setting[] => {
  const settings: Setting[] = []
  if (model.config.kind === 'student')
    for (const k of steps) settings.push({ who: 'student', loaded: model, solver: 'consistency', steps: k })
  const slow = model.config.kind === 'teacher' ? model : teacher
  if (slow) {
    for (const k of steps) settings.push({ who: 'teacher', loaded: slow, solver: 'ddim', steps: k })
    for (const setting of teacher_settings) settings.push({ who: 'teacher', loaded: slow, ...setting })
  }
  return settings
}

/** Prompts, and which training picture each names; speed and quality of one setting. */
class Judge {
  readonly prompts: string[]
  readonly expected: number[]
  readonly #gaussian

  constructor(
    readonly extractor: FeatureExtractor,
    readonly real: Features,
    readonly dataset: Dataset,
    readonly samples: number,
    readonly seed: number,
  ) {
    // Every picture's prompt equally often, spread over the dataset when there are fewer samples than pictures.
    const { count, names, labels, classes } = dataset
    const stride = samples < count ? count / samples : 1
    this.expected = Array.from({ length: samples }, (_, i) => Math.floor(i * stride) % count)
    this.prompts = this.expected.map((i) => names?.[i] ?? classes?.[labels![i]!] ?? '')
    this.#gaussian = gaussianOf(real)
  }

  async row(
    model: Model,
    { who, solver, steps, guidance_scale }: Setting,
    path: Float32Array | undefined,
    onPainted: (done: number) => void,
  ): Promise<EvaluationRow> {
    const { dataset, samples, seed, real } = this
    const pictures = new Float32Array(samples * model.pictureSize)
    const times: number[] = []
    const begin = performance.now()
    for (let first = 0; first < samples; first += BATCH) {
      const prompts = this.batch(first)
      const start = performance.now()
      const { data } = await model.generate({
        prompts,
        first,
        seed,
        solver,
        num_inference_steps: steps,
        ...(guidance_scale && { guidance_scale }),
      })
      times.push((performance.now() - start) / 1000 / BATCH)
      const here = Math.min(BATCH, samples - first)
      pictures.set(data.subarray(0, here * model.pictureSize), first * model.pictureSize)
      onPainted(first + here)
      await new Promise(setImmediate)
      void begin
    }
    const features = await this.extractor.extract(pictures, samples, dataset.channels, dataset.height)
    const retrieval = dataset.names ? promptRetrieval(real, features, this.expected) : undefined
    const { precision, recall } = precisionRecall(real, features)
    const nfe =
      solver === 'consistency'
        ? steps
        : evaluations(solver, steps) * (guidance_scale && guidance_scale !== 1 ? 2 : 1)
    return {
      who,
      solver,
      steps,
      nfe,
      fid: frechetDistance(this.#gaussian, gaussianOf(features)),
      kid: kernelDistance(real, features),
      precision,
      recall,
      seconds_per_image: median(times.length > 1 ? times.slice(1) : times),
      prompt_top1: retrieval?.top1 ?? null,
      prompt_top5: retrieval?.top5 ?? null,
      teacher_distance: path ? teacherDistance(pictures.subarray(0, path.length), path) : null,
    }
  }

  /** The prompts of one batch, always BATCH of them: the last is filled up, so that one compiled program serves all. */
  batch(first: number): string[] {
    return Array.from({ length: BATCH }, (_, i) => this.prompts[(first + i) % this.samples]!)
  }
}

/** Where the teacher's ODE leads from the first noises, as exactly as 64 Heun steps tell: [n, C, H, W]. */
const teacherPath = async (
  teacher: Model,
  judge: Judge,
  { samples, seed, distance_samples = 256, onProgress }: EvaluateOptions,
): Promise<Float32Array | undefined> => {
  const count = Math.min(distance_samples, samples)
  if (count === 0) return undefined
  const path = new Float32Array(count * teacher.pictureSize)
  for (let first = 0; first < count; first += BATCH) {
    const { data } = await teacher.generate({
      prompts: judge.batch(first),
      first,
      seed,
      solver: 'heun',
      schedule: 'karras',
      num_inference_steps: PATH_STEPS,
      guidance_scale: 1,
    })
    path.set(
      data.subarray(0, Math.min(BATCH, count - first) * teacher.pictureSize),
      first * teacher.pictureSize,
    )
    onProgress?.('teacher’s path', Math.min(first + BATCH, count), count)
  }
  return path
}

/** Whether the student is a model of its own: its hash and its pictures at equal noise are not the teacher's. */
const differs = async (
  student: Model,
  path: Float32Array,
  judge: Judge,
  hashesDiffer: boolean,
): Promise<boolean> => {
  if (student.config.kind !== 'student') return false
  const { data } = await student.generate({
    prompts: judge.batch(0),
    seed: judge.seed,
    num_inference_steps: 1,
  })
  const n = Math.min(data.length, path.length)
  return hashesDiffer && teacherDistance(data.subarray(0, n), path.subarray(0, n)) > 0
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!

const checkFit = ({ config, path }: LoadedModel, dataset: Dataset): void => {
  const { resolution, channels } = config.network
  if (resolution !== dataset.height || channels !== dataset.channels)
    throw new UserError(
      `${path} paints ${resolution}×${resolution} with ${channels} channels, but ${dataset.name} has ${dataset.height}×${dataset.width} with ${dataset.channels}`,
      { remedy: `--resolution ${resolution}`, exitCode: 2 },
    )
}
