/** How good a model is, and how fast: the document of `onestroke evaluate`. */
import type { SamplerName, SolverName } from '@onestroke/core/diffusion'
import type { ModelConfig } from '@onestroke/core/formats'
import { samplingOf } from '@onestroke/core/pipeline'
import type { Dataset } from '../data/index.js'
import { teacherDistance } from '../metrics/index.js'
import { type LoadedModel, type Model, OpenModels } from '../model/index.js'
import { Reference } from './feature-space.js'
import { floorOf, replayOf } from './floors.js'
import { BATCH, checkFit, comparedRows, Judge } from './judge.js'
import { type JudgesOptions, judgesFor } from './judges.js'
import { Likeness } from './likeness.js'
import { asSeenBy } from './prompts.js'
import { gradedBy, judgedBy } from './real-pictures.js'
import { EQUAL, estimateOf, isNumber } from './rows.js'
import type { Distances, Evaluation, EvaluationRow, Measure, Measures } from './types.js'

/** A way to sample the teacher. */
export interface TeacherSetting {
  readonly solver: SolverName
  readonly steps: number
}

export interface EvaluateOptions extends JudgesOptions {
  readonly model: LoadedModel
  readonly teacher?: LoadedModel
  readonly dataset: Dataset
  /** Where the models are opened; they stay open. By default they are opened and released here. */
  readonly models?: OpenModels
  /** Step counts of the student, and of the teacher with DDIM. */
  readonly steps: readonly number[]
  /** Pictures for each row and noise seed. */
  readonly samples: number
  /** The first noise seed. */
  readonly seed: number
  /** Noise seeds, `seed` and those after it: every row is painted once with each. Default 4. */
  readonly noise_seeds?: number
  /** Seconds from now after which no further noise seed is begun. One is always painted. */
  readonly seconds?: number
  /**
   * Many-step settings of the teacher. Of more than two, the best and the cheapest within 2 % of it are chosen, by
   * noises that no number of the evaluation comes from, and only these are measured.
   */
  readonly teacher_settings?: readonly TeacherSetting[]
  /**
   * Guidance of the teacher's rows, D_u + w(D_c − D_u). Default: what the student was distilled with, or what the
   * teacher's config recommends.
   */
  readonly guidance_scale?: number
  /** Pictures, over all noise seeds, by which the distance to the teacher's path is measured; 0 leaves it out. */
  readonly distance_samples?: number
  onProgress?(what: string, done: number, total: number): void
}

/** Noise seeds by default. */
export const NOISE_SEEDS = 4

/** Many-step settings that are tried by default. */
export const TEACHER_SETTINGS: readonly TeacherSetting[] = [
  { solver: 'dpmpp_2m', steps: 8 },
  { solver: 'dpmpp_2m', steps: 10 },
  { solver: 'dpmpp_2m', steps: 12 },
  { solver: 'dpmpp_2m', steps: 16 },
  { solver: 'dpmpp_2m', steps: 20 },
  { solver: 'heun', steps: 18 },
]

/** Settings that are measured without choosing among them. */
const FEW = 2
/** Noise seed by which the teacher's settings are chosen. No row is measured with it. */
const CHOOSING_SEED = 979
/** Pictures by which they are chosen, at most. */
export const CHOOSING_SAMPLES = 512
/** Steps of Heun's method that stand for the teacher's exact path. */
export const PATH_STEPS = 64
/** Pictures of that path, over all noise seeds. */
export const PATH_SAMPLES = 256

/**
 * Measures a model on a dataset.
 *
 * @throws UserError if model and dataset do not fit together.
 */
export const evaluate = (options: EvaluateOptions): Promise<Evaluation> =>
  OpenModels.during((models) => evaluateWith(options, models), options.models)

const evaluateWith = async (options: EvaluateOptions, models: OpenModels): Promise<Evaluation> => {
  const begin = performance.now()
  const {
    model,
    teacher,
    samples,
    seed,
    noise_seeds = NOISE_SEEDS,
    seconds = Number.POSITIVE_INFINITY,
  } = options
  const dataset = asSeenBy(model.config, options.dataset)
  for (const one of [model, teacher]) if (one) checkFit(one, dataset)
  const asked = Array.from({ length: noise_seeds }, (_, i) => seed + i)
  const reference = gradedBy(dataset)
  const [first, ...rest] = await judgesFor(dataset, reference, options)
  const rows = judgedBy(dataset, options.real_samples)
  const judge = await Judge.of(first, dataset, { samples, seed, reference, rows })
  const others: Reference[] = []
  for (const space of rest)
    others.push(await Reference.of(space, reference, comparedRows(dataset, reference, rows)))
  const likeness = new Likeness(dataset, judge)
  const modelOf = (loaded: LoadedModel) => models.of(loaded)
  const guidance_scale = options.guidance_scale ?? guidanceOf(model.config)
  const slow = model.config.kind === 'teacher' ? model : teacher
  const settings = settingsOf(
    options,
    slow ? await settingsOfTeacher(modelOf(slow), judge, { ...options, guidance_scale }) : [],
  )
  const samplers = settings.map(
    (setting) =>
      new Sampler(setting, modelOf(setting.loaded), {
        judge,
        others,
        likeness,
        seeds: asked,
        guidance_scale,
      }),
  )
  const follows = teacher && model !== teacher ? modelOf(teacher) : undefined
  const distance_samples = Math.ceil((options.distance_samples ?? PATH_SAMPLES) / noise_seeds)
  const seeds: number[] = []
  // Seed by seed, not row by row, so that other load on the machine slows all rows alike. Time may run out after any seed.
  for (const [i, one] of asked.entries()) {
    const before = performance.now()
    const path =
      follows &&
      (await teacherPath(follows, judge, {
        guidance_scale,
        distance_samples,
        seed: one,
        onPainted: () =>
          options.onProgress?.(
            'teacher’s path',
            i * samplers.length * samples,
            asked.length * samplers.length * samples,
          ),
      }))
    for (const [k, sampler] of samplers.entries())
      await sampler.paint(one, path, (done) =>
        options.onProgress?.(
          sampler.name,
          (i * samplers.length + k) * samples + done,
          asked.length * samplers.length * samples,
        ),
      )
    seeds.push(one)
    const now = performance.now()
    if ((now - begin + (now - before)) / 1000 > seconds) break
  }
  const student_is_student =
    teacher && model.config.kind === 'student'
      ? model.sha256 !== teacher.sha256 &&
        (await differs(modelOf(model), modelOf(teacher), judge, guidance_scale))
      : null
  const { name, sha256, dims } = first.info
  return {
    model: { path: model.path, sha256: model.sha256, parameters: model.layout.size, kind: model.config.kind },
    data: { name: dataset.name, images: dataset.count, compared: judge.reference.real.count },
    samples,
    seed,
    noise_seeds: seeds,
    features: { name, sha256, dims },
    judges: [first, ...rest].map(({ info }) => info),
    floor: await floorOf([judge.reference, ...others], dataset, reference, judge, seeds),
    replay: replayOf(judge.reference, dataset, reference, judge),
    real: likeness.real,
    rows: samplers.map((sampler) => sampler.row),
    teacher_sought: slow ? (options.teacher_settings ?? TEACHER_SETTINGS).length > FEW : null,
    student_is_student,
  }
}

interface Setting {
  readonly who: 'student' | 'teacher'
  readonly loaded: LoadedModel
  readonly solver: SamplerName
  readonly num_inference_steps: number
}

const settingsOf = (
  { model, teacher, steps }: EvaluateOptions,
  teacher_settings: readonly TeacherSetting[],
): Setting[] => {
  const settings: Setting[] = []
  if (model.config.kind === 'student')
    for (const k of steps)
      settings.push({ who: 'student', loaded: model, solver: 'consistency', num_inference_steps: k })
  const slow = model.config.kind === 'teacher' ? model : teacher
  if (slow) {
    for (const k of steps)
      settings.push({ who: 'teacher', loaded: slow, solver: 'ddim', num_inference_steps: k })
    for (const { solver, steps: k } of teacher_settings)
      settings.push({ who: 'teacher', loaded: slow, solver, num_inference_steps: k })
  }
  return settings
}

/**
 * The many-step settings to measure: all of two or fewer; else the best by the first judge, and before it the cheapest
 * that is within 2 % of it, by noises of their own.
 */
const settingsOfTeacher = async (
  teacher: Model,
  judge: Judge,
  {
    teacher_settings = TEACHER_SETTINGS,
    guidance_scale,
    onProgress,
  }: Pick<EvaluateOptions, 'teacher_settings' | 'onProgress'> & { readonly guidance_scale: number },
): Promise<readonly TeacherSetting[]> => {
  if (teacher_settings.length <= FEW) return teacher_settings
  const count = Math.min(judge.samples, CHOOSING_SAMPLES)
  const tried: { setting: TeacherSetting; fid: number; nfe: number }[] = []
  for (const [i, setting] of teacher_settings.entries()) {
    const how = { solver: setting.solver, num_inference_steps: setting.steps, guidance_scale }
    const { pictures } = await judge.paint(teacher, how, {
      count,
      seed: CHOOSING_SEED,
      timed: false,
      onPainted: (done) =>
        onProgress?.('choosing the teacher’s best', i * count + done, teacher_settings.length * count),
    })
    tried.push({ setting, fid: await judge.fid(pictures), nfe: samplingOf(teacher.config, how).nfe })
  }
  const best = tried.reduce((a, b) => (b.fid < a.fid ? b : a))
  const cheapest = tried
    .filter(({ fid }) => fid <= EQUAL * best.fid)
    .reduce((a, b) => (b.nfe < a.nfe ? b : a), best)
  return cheapest === best ? [best.setting] : [cheapest.setting, best.setting]
}

interface Measuring {
  readonly judge: Judge
  /** The other judges. */
  readonly others: readonly Reference[]
  readonly likeness: Likeness
  /** All noise seeds, though time may not be enough for the last ones. */
  readonly seeds: readonly number[]
  readonly guidance_scale: number
}

/** Measured once a noise seed. */
type Once = Omit<Measures, 'diversity'>

/** One row in the making: it paints with one noise seed after the other, and measures. */
class Sampler {
  readonly name: string
  readonly #how: { solver: SamplerName; num_inference_steps: number; guidance_scale?: number }
  readonly #each: Once[] = []
  readonly #distances: Map<string, { fid: number[]; kid: number[] }>
  /** Samples by which variety is measured, and their pictures. */
  readonly #varied: readonly number[]
  readonly #kept: Float32Array[] = []

  constructor(
    readonly setting: Setting,
    readonly model: Model,
    readonly measuring: Measuring,
  ) {
    const { who, solver, num_inference_steps } = setting
    const { judge, others, likeness, seeds, guidance_scale } = measuring
    this.name = `${who}, ${solver}, ${num_inference_steps}`
    this.#how =
      solver === 'consistency'
        ? { solver, num_inference_steps }
        : { solver, num_inference_steps, guidance_scale }
    this.#distances = new Map(
      [judge.reference, ...others].map(({ space }) => [space.info.name, { fid: [], kid: [] }]),
    )
    this.#varied = likeness.varied(seeds.length)
  }

  /** @param path the teacher's, from the first noises of this seed, if there is one. */
  async paint(
    seed: number,
    path: Float32Array | undefined,
    onPainted: (done: number) => void,
  ): Promise<void> {
    const { judge, others, likeness } = this.measuring
    const size = this.model.pictureSize
    const { pictures, seconds_per_image } = await judge.paint(this.model, this.#how, { seed, onPainted })
    const quality = await judge.measure(pictures)
    this.#each.push({
      ...quality,
      ...likeness.measure(pictures),
      seconds_per_image,
      teacher_distance: path ? teacherDistance(pictures.subarray(0, path.length), path) : null,
    })
    const note = (name: string, fid: number, kid: number) => {
      this.#distances.get(name)!.fid.push(fid)
      this.#distances.get(name)!.kid.push(kid)
    }
    note(judge.space.info.name, quality.fid, quality.kid)
    for (const other of others) {
      const features = await other.space.features(pictures, judge.samples)
      note(other.space.info.name, other.fid(features), other.kid(features))
    }
    const some = new Float32Array(this.#varied.length * size)
    for (const [at, sample] of this.#varied.entries())
      some.set(pictures.subarray(sample * size, (sample + 1) * size), at * size)
    this.#kept.push(some)
  }

  get row(): EvaluationRow {
    const { who, solver, num_inference_steps } = this.setting
    const { means, deviation } = summaryOf(this.#each)
    return {
      who,
      solver,
      steps: num_inference_steps,
      nfe: samplingOf(this.model.config, this.#how).nfe,
      ...means,
      diversity: this.measuring.likeness.diversity(this.#kept, this.#varied),
      deviation,
      judges: Object.fromEntries(
        [...this.#distances].map(([name, { fid, kid }]): [string, Distances] => [
          name,
          { fid: estimateOf(fid), kid: estimateOf(kid) },
        ]),
      ),
    }
  }
}

/** Means and deviations; null if a seed has no value. A time is the median, because other load on the machine only adds to it. */
const summaryOf = (each: readonly Once[]): { means: Once; deviation: EvaluationRow['deviation'] } => {
  const means = { ...each[0]! }
  const deviation: Partial<Record<Measure, number | null>> = {}
  for (const measure of Object.keys(means) as (keyof Once)[]) {
    const values = each.map((one) => one[measure])
    const estimate = values.every(isNumber) ? estimateOf(values) : { mean: null, sd: null }
    means[measure] =
      measure === 'seconds_per_image' && values.every(isNumber) ? medianOf(values) : estimate.mean
    deviation[measure] = estimate.sd
  }
  return { means, deviation }
}

const medianOf = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2
}

/** The guidance that a student's teacher was held to, or that a teacher recommends. */
export const guidanceOf = ({ kind, method, sampling }: ModelConfig): number => {
  const distilled = method.options.guidance_scale
  return kind === 'student' && typeof distilled === 'number' ? distilled : sampling.guidance_scale
}

/** Where the teacher's ODE leads from the first noises, as exactly as 64 Heun steps tell: [n, C, H, W]. */
export const teacherPath = async (
  teacher: Model,
  judge: Judge,
  {
    guidance_scale,
    distance_samples = PATH_SAMPLES,
    seed = judge.seed,
    onPainted,
  }: Pick<EvaluateOptions, 'distance_samples'> & {
    readonly guidance_scale: number
    readonly seed?: number
    onPainted?(): void
  },
): Promise<Float32Array | undefined> => {
  const count = Math.min(distance_samples, judge.samples)
  if (count === 0) return undefined
  const { pictures } = await judge.paint(
    teacher,
    { solver: 'heun', schedule: 'karras', num_inference_steps: PATH_STEPS, guidance_scale },
    { count, seed, timed: false, onPainted: () => onPainted?.() },
  )
  return pictures
}

/** Above this RMSE two sets of pictures come from different networks. Rounded weights change less. */
const ANOTHER = 0.02

/** Whether the student differs from the teacher: from equal noise, its one step gives other pictures. */
const differs = async (
  student: Model,
  teacher: Model,
  judge: Judge,
  guidance_scale: number,
): Promise<boolean> => {
  const count = Math.min(BATCH, judge.samples)
  const own = await judge.paint(student, { num_inference_steps: 1 }, { count, timed: false })
  const teachers = { solver: 'ddim', num_inference_steps: 1, guidance_scale } as const
  const { pictures } = await judge.paint(teacher, teachers, { count, timed: false })
  return teacherDistance(own.pictures, pictures) > ANOTHER
}
