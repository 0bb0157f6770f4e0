/** How good a model is, and how fast: the rows of `onestroke evaluate`. */
import type { SolverName } from '@onestroke/core/diffusion'
import type { ModelConfig } from '@onestroke/core/formats'
import type { Dataset } from '../data/index.js'
import { floor, teacherDistance } from '../metrics/index.js'
import { type LoadedModel, Model } from '../model/index.js'
import type { Evaluation, EvaluationRow } from '../report/index.js'
import { type FeatureOptions, featuresFor, featuresOfDataset } from './features.js'
import { BATCH, checkFit, Judge } from './judge.js'
import { asSeenBy } from './prompts.js'

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
  readonly samples: number
  readonly seed: number
  /** Many-step settings of the teacher, of which the best is its mark. */
  readonly teacher_settings?: readonly TeacherSetting[]
  /**
   * Guidance of the teacher's rows, D_u + w(D_c − D_u). Default: what the student was distilled with, or what the
   * teacher's config recommends.
   */
  readonly guidance_scale?: number
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

/** Steps of Heun's method that stand for the teacher's exact path. */
const PATH_STEPS = 64

/**
 * Measures a model on a dataset.
 *
 * @throws UserError if model and dataset do not fit together.
 */
export const evaluate = async (options: EvaluateOptions): Promise<Evaluation> => {
  const { model, teacher, samples, seed } = options
  const dataset = asSeenBy(model.config, options.dataset)
  for (const one of [model, teacher]) if (one) checkFit(one, dataset)
  const extractor = await featuresFor(dataset, options)
  const judge = await Judge.of(extractor, dataset, { samples, seed })
  const test = dataset.test && (await featuresOfDataset(extractor, dataset.test))
  const models = new Map<LoadedModel, Model>()
  const modelOf = (loaded: LoadedModel) => {
    const known = models.get(loaded) ?? Model.of(loaded)
    models.set(loaded, known)
    return known
  }
  const guidance_scale = options.guidance_scale ?? guidanceOf(model.config)
  const path =
    teacher && model !== teacher
      ? await teacherPath(modelOf(teacher), judge, { ...options, guidance_scale })
      : undefined
  const settings = settingsOf(options)
  const rows: EvaluationRow[] = []
  for (const [i, { who, loaded, ...setting }] of settings.entries()) {
    const one = modelOf(loaded)
    const { solver, num_inference_steps: steps } = setting
    const guidance = solver === 'consistency' ? {} : { guidance_scale }
    const { pictures, seconds_per_image } = await judge.paint(
      one,
      { ...setting, ...guidance },
      {
        onPainted: (done) =>
          options.onProgress?.(`${who}, ${solver}, ${steps}`, i * samples + done, settings.length * samples),
      },
    )
    rows.push({
      who,
      solver,
      steps,
      nfe: one.sampling({ ...setting, ...guidance }).nfe,
      ...(await judge.measure(pictures)),
      seconds_per_image,
      teacher_distance: path ? teacherDistance(pictures.subarray(0, path.length), path) : null,
    })
  }
  const student_is_student =
    teacher && model.config.kind === 'student'
      ? model.sha256 !== teacher.sha256 &&
        (await differs(modelOf(model), modelOf(teacher), judge, guidance_scale))
      : null
  for (const one of models.values()) await one.release()
  return {
    model: { path: model.path, sha256: model.sha256, parameters: model.layout.size, kind: model.config.kind },
    data: { name: dataset.name, images: dataset.count },
    samples,
    seed,
    features: { name: extractor.name, sha256: extractor.sha256, dims: extractor.dims },
    floor:
      test || judge.real.count >= 4
        ? floor(judge.real, { ...(test && { test }), seed })
        : { fid: null, kid: null },
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

const settingsOf = ({
  model,
  teacher,
  steps,
  teacher_settings = TEACHER_SETTINGS,
}: EvaluateOptions): Setting[] => {
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
    distance_samples = 256,
    onProgress,
  }: Pick<EvaluateOptions, 'distance_samples' | 'onProgress'> & { readonly guidance_scale: number },
): Promise<Float32Array | undefined> => {
  const count = Math.min(distance_samples, judge.samples)
  if (count === 0) return undefined
  const { pictures } = await judge.paint(
    teacher,
    { solver: 'heun', schedule: 'karras', num_inference_steps: PATH_STEPS, guidance_scale },
    { count, onPainted: (done) => onProgress?.('teacher’s path', done, count) },
  )
  return pictures
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
