/** How good a model is, and how fast: the document of `onestroke evaluate`. */
import type { SolverName } from '@onestroke/core/diffusion'
import type { ModelConfig } from '@onestroke/core/formats'
import type { Dataset } from '../data/index.js'
import { teacherDistance } from '../metrics/index.js'
import { type LoadedModel, Model } from '../model/index.js'
import { Reference } from './feature-space.js'
import type { FeatureOptions } from './features.js'
import { floorOf, replayOf } from './floors.js'
import { BATCH, checkFit, Judge } from './judge.js'
import { judgesFor } from './judges.js'
import { Likeness } from './likeness.js'
import { asSeenBy } from './prompts.js'
import { gradedBy } from './real-pictures.js'
import { EQUAL, estimateOf, isNumber } from './rows.js'
import type { Distances, Evaluation, EvaluationRow, Measure, Measures } from './types.js'

/** A way to sample the teacher. */
export interface TeacherSetting {
  readonly solver: SolverName
  readonly steps: number
}

export interface EvaluateOptions extends FeatureOptions {
  readonly model: LoadedModel
  readonly teacher?: LoadedModel
  readonly dataset: Dataset
  /** Step counts of the student, and of the teacher with DDIM. */
  readonly steps: readonly number[]
  /** Pictures for each row and noise seed. */
  readonly samples: number
  /** The first noise seed. */
  readonly seed: number
  /** Noise seeds, `seed` and those after it: every row is painted once with each. Default 4. */
  readonly noise_seeds?: number
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
/** Noise by which the teacher's settings are chosen; no row is measured by it. */
const CHOOSING_SEED = 979
/** Steps of Heun's method that stand for the teacher's exact path. */
const PATH_STEPS = 64
/** Pictures of that path, over all noise seeds. */
const PATH_SAMPLES = 256

/**
 * Measures a model on a dataset.
 *
 * @throws UserError if model and dataset do not fit together.
 */
export const evaluate = async (options: EvaluateOptions): Promise<Evaluation> => {
  const { model, teacher, samples, seed, noise_seeds = NOISE_SEEDS } = options
  const dataset = asSeenBy(model.config, options.dataset)
  for (const one of [model, teacher]) if (one) checkFit(one, dataset)
  const seeds = Array.from({ length: noise_seeds }, (_, i) => seed + i)
  const reference = gradedBy(dataset)
  const [first, ...rest] = await judgesFor(dataset, reference, options)
  const judge = await Judge.of(first, dataset, { samples, seed, reference })
  const others: Reference[] = []
  for (const space of rest) others.push(await Reference.of(space, reference))
  const likeness = new Likeness(dataset, judge)
  const models = new Map<LoadedModel, Model>()
  const modelOf = (loaded: LoadedModel) => {
    const known = models.get(loaded) ?? Model.of(loaded)
    models.set(loaded, known)
    return known
  }
  const guidance_scale = options.guidance_scale ?? guidanceOf(model.config)
  const slow = model.config.kind === 'teacher' ? model : teacher
  const settings = settingsOf(
    options,
    slow ? await settingsOfTeacher(modelOf(slow), judge, { ...options, guidance_scale }) : [],
  )
  const paths =
    teacher && model !== teacher
      ? await teacherPaths(modelOf(teacher), judge, seeds, { ...options, guidance_scale })
      : []
  const rows: EvaluationRow[] = []
  for (const [i, setting] of settings.entries())
    rows.push(
      await measured(setting, modelOf(setting.loaded), {
        judge,
        others,
        likeness,
        seeds,
        paths,
        guidance_scale,
        onPainted: (done) =>
          options.onProgress?.(
            `${setting.who}, ${setting.solver}, ${setting.num_inference_steps}`,
            i * samples * noise_seeds + done,
            settings.length * samples * noise_seeds,
          ),
      }),
    )
  const student_is_student =
    teacher && model.config.kind === 'student'
      ? model.sha256 !== teacher.sha256 &&
        (await differs(modelOf(model), modelOf(teacher), judge, guidance_scale))
      : null
  for (const one of models.values()) await one.release()
  const { name, sha256, dims } = first.info
  return {
    model: { path: model.path, sha256: model.sha256, parameters: model.layout.size, kind: model.config.kind },
    data: { name: dataset.name, images: dataset.count },
    samples,
    seed,
    noise_seeds: seeds,
    features: { name, sha256, dims },
    judges: [first, ...rest].map(({ info }) => info),
    floor: await floorOf([judge.reference, ...others], dataset, reference, judge, seeds),
    replay: replayOf(judge.reference, dataset, reference, judge),
    real: likeness.real,
    rows,
    student_is_student,
  }
}

interface Setting {
  readonly who: 'student' | 'teacher'
  readonly loaded: LoadedModel
  readonly solver: SolverName | 'consistency'
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
  const tried: { setting: TeacherSetting; fid: number; nfe: number }[] = []
  for (const [i, setting] of teacher_settings.entries()) {
    const how = { solver: setting.solver, num_inference_steps: setting.steps, guidance_scale }
    const { pictures } = await judge.paint(teacher, how, {
      seed: CHOOSING_SEED,
      onPainted: (done) =>
        onProgress?.(
          'choosing the teacher’s best',
          i * judge.samples + done,
          teacher_settings.length * judge.samples,
        ),
    })
    tried.push({ setting, fid: await judge.fid(pictures), nfe: teacher.sampling(how).nfe })
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
  readonly seeds: readonly number[]
  /** The teacher's path for each noise seed; empty where there is none. */
  readonly paths: readonly Float32Array[]
  readonly guidance_scale: number
  onPainted(done: number): void
}

/** Measured once a noise seed. */
type Once = Omit<Measures, 'diversity'>

/** Paints with every noise seed, and measures. */
const measured = async (
  { who, solver, num_inference_steps }: Setting,
  model: Model,
  { judge, others, likeness, seeds, paths, guidance_scale, onPainted }: Measuring,
): Promise<EvaluationRow> => {
  const how =
    solver === 'consistency'
      ? { solver, num_inference_steps }
      : { solver, num_inference_steps, guidance_scale }
  const size = model.pictureSize
  const each: Once[] = []
  const distances = new Map<string, { fid: number[]; kid: number[] }>(
    [judge.reference, ...others].map(({ space }) => [space.info.name, { fid: [], kid: [] }]),
  )
  const varied = likeness.varied(seeds.length)
  const kept: Float32Array[] = []
  for (const [i, seed] of seeds.entries()) {
    const { pictures, seconds_per_image } = await judge.paint(model, how, {
      seed,
      onPainted: (done) => onPainted(i * judge.samples + done),
    })
    const path = paths[i]
    const quality = await judge.measure(pictures)
    each.push({
      ...quality,
      ...likeness.measure(pictures),
      seconds_per_image,
      teacher_distance: path ? teacherDistance(pictures.subarray(0, path.length), path) : null,
    })
    const note = (name: string, fid: number, kid: number) => {
      distances.get(name)!.fid.push(fid)
      distances.get(name)!.kid.push(kid)
    }
    note(judge.space.info.name, quality.fid, quality.kid)
    for (const other of others) {
      const features = await other.space.features(pictures, judge.samples)
      note(other.space.info.name, other.fid(features), other.kid(features))
    }
    const some = new Float32Array(varied.length * size)
    for (const [at, sample] of varied.entries())
      some.set(pictures.subarray(sample * size, (sample + 1) * size), at * size)
    kept.push(some)
  }
  const { means, deviation } = summaryOf(each)
  return {
    who,
    solver,
    steps: num_inference_steps,
    nfe: model.sampling(how).nfe,
    ...means,
    diversity: likeness.diversity(kept),
    deviation,
    judges: Object.fromEntries(
      [...distances].map(([name, { fid, kid }]): [string, Distances] => [
        name,
        { fid: estimateOf(fid), kid: estimateOf(kid) },
      ]),
    ),
  }
}

/** Means and deviations; null where a seed has no value. */
const summaryOf = (each: readonly Once[]): { means: Once; deviation: EvaluationRow['deviation'] } => {
  const means = { ...each[0]! }
  const deviation: Partial<Record<Measure, number | null>> = {}
  for (const measure of Object.keys(means) as (keyof Once)[]) {
    const values = each.map((one) => one[measure])
    const estimate = values.every(isNumber) ? estimateOf(values) : { mean: null, sd: null }
    means[measure] = estimate.mean
    deviation[measure] = estimate.sd
  }
  return { means, deviation }
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
    onProgress,
  }: Pick<EvaluateOptions, 'distance_samples' | 'onProgress'> & {
    readonly guidance_scale: number
    readonly seed?: number
  },
): Promise<Float32Array | undefined> => {
  const count = Math.min(distance_samples, judge.samples)
  if (count === 0) return undefined
  const { pictures } = await judge.paint(
    teacher,
    { solver: 'heun', schedule: 'karras', num_inference_steps: PATH_STEPS, guidance_scale },
    { count, seed, onPainted: (done) => onProgress?.('teacher’s path', done, count) },
  )
  return pictures
}

/** The path from the noises of every seed, each with an equal part of the pictures; none where none is asked for. */
const teacherPaths = async (
  teacher: Model,
  judge: Judge,
  seeds: readonly number[],
  {
    guidance_scale,
    distance_samples = PATH_SAMPLES,
    onProgress,
  }: Pick<EvaluateOptions, 'distance_samples' | 'onProgress'> & { readonly guidance_scale: number },
): Promise<Float32Array[]> => {
  const each = Math.ceil(distance_samples / seeds.length)
  const paths: Float32Array[] = []
  for (const [i, seed] of seeds.entries()) {
    const path = await teacherPath(teacher, judge, {
      guidance_scale,
      distance_samples: each,
      seed,
      onProgress: (what, done, total) => onProgress?.(what, i * total + done, seeds.length * total),
    })
    if (path) paths.push(path)
  }
  return paths
}

/** Root mean square by which pictures differ at least that are not of one network: more than rounded weights make of one. */
const ANOTHER = 0.02

/** Whether the student is a network of its own: from equal noise its one step leads elsewhere than the teacher's. */
const differs = async (
  student: Model,
  teacher: Model,
  judge: Judge,
  guidance_scale: number,
): Promise<boolean> => {
  const count = Math.min(BATCH, judge.samples)
  const own = await judge.paint(student, { num_inference_steps: 1 }, { count })
  const teachers = { solver: 'ddim', num_inference_steps: 1, guidance_scale } as const
  const { pictures } = await judge.paint(teacher, teachers, { count })
  return teacherDistance(own.pictures, pictures) > ANOTHER
}
