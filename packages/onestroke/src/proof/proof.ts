/** Proof that a distillation worked: numbers, pictures from the same noise side by side, curves; as a report. */
import type { SamplerName } from '@onestroke/core/diffusion'
import { sizeOf, sizeText } from '@onestroke/core/picture'
import type { Dataset } from '../data/index.js'
import {
  asSeenBy,
  bestTeacher,
  canTell,
  EQUAL,
  type EvaluateOptions,
  type Evaluation,
  type EvaluationRow,
  equalTeacher,
  evaluate,
  GRID_PICTURES,
  guidanceOf,
  pictureOf,
  quickestStudent,
  samplePrompts,
  speedUp,
  timingIsNoisy,
} from '../evaluation/index.js'
import { pngGrid } from '../formats/index.js'
import { type LoadedModel, OpenModels } from '../model/index.js'
import {
  byFirst,
  type Course,
  caveat,
  compare,
  ofFew,
  type Report,
  sampler,
  solverName,
  span,
  thisMachine,
} from '../report/index.js'
import { bandLimits, type Progress } from '../training/index.js'
import { denoisingErrors } from './denoising.js'

export interface ProofOptions extends Omit<EvaluateOptions, 'model'> {
  readonly title: string
  readonly student: LoadedModel
  readonly teacher: LoadedModel
  /** Log and checks of the training, if known. */
  readonly progress?: Pick<Progress, 'log' | 'checks'>
  /** Whether the denoising error is measured; by default it is. */
  readonly denoising?: boolean
  readonly commands: readonly string[]
  readonly notes?: readonly string[]
}

export interface Proof {
  readonly report: Report
  readonly pictures: Record<string, Uint8Array>
}

/** Seed of the noise of every grid. */
const GRID_SEED = 1

/** Evaluates student and teacher and gathers everything that the report shows. */
export const prove = (options: ProofOptions): Promise<Proof> =>
  OpenModels.during((models) => proveWith(options, models), options.models)

const proveWith = async (options: ProofOptions, models: OpenModels): Promise<Proof> => {
  const { student, teacher, title, progress: { log, checks } = { log: [], checks: [] } } = options
  const dataset = asSeenBy(student.config, options.dataset)
  const evaluation = await evaluate({ ...options, models, model: student })
  const { sections, pictures } = await grids({ ...options, dataset, models }, evaluation)
  const denoising =
    options.denoising === false ? undefined : await denoisingErrors(student, teacher, dataset, models)
  const report: Report = {
    title,
    summary: summaryOf(evaluation, student.config, dataset),
    created: new Date().toISOString(),
    machine: thisMachine(),
    data: {
      name: dataset.name,
      images: dataset.count,
      height: dataset.height,
      width: dataset.width,
      channels: dataset.channels,
    },
    runs: [runOf('teacher', teacher), runOf('student', student)],
    evaluation,
    loss: [{ name: 'student', points: log.map(({ images, loss }) => ({ images, loss })) }],
    course: courseOf({ log, checks }, student),
    denoising,
    sections,
    commands: [...options.commands],
    notes: [...(options.notes ?? [])],
  }
  return { report, pictures }
}

/** The log's beginning, middle and end by band, and the checks. */
const courseOf = ({ log, checks }: Pick<Progress, 'log' | 'checks'>, { config }: LoadedModel): Course => {
  const part = Math.max(1, Math.floor(log.length / 10))
  const starts = log.length < 3 ? [] : [0, Math.floor((log.length - part) / 2), log.length - part]
  const meanOf = (values: (number | null | undefined)[]) => {
    const known = values.filter((value) => typeof value === 'number')
    return known.length > 0 ? known.reduce((a, b) => a + b) / known.length : null
  }
  return {
    limits: bandLimits(config),
    loss: starts.map((start) => {
      const points = log.slice(start, start + part)
      return {
        images: points.at(-1)!.images,
        bands: points[0]!.bands.map((_, band) => meanOf(points.map(({ bands }) => bands[band]))),
      }
    }),
    checks: checks.map(({ images, fid, gradient_norm, teacher_distance }) => ({
      images,
      fid: { ...fid },
      gradient_norm: [...gradient_norm],
      teacher_distance: [...(teacher_distance ?? [])],
    })),
  }
}

const runOf = (
  name: 'teacher' | 'student',
  { config, layout, path, sha256 }: LoadedModel,
): Report['runs'][number] => ({
  name,
  parameters: layout.size,
  preset: config.provenance.preset,
  method: config.method.name,
  images_seen: config.provenance.images_seen,
  seconds: config.provenance.seconds,
  path,
  sha256,
  options: config.method.options,
})

/** The result of the distillation in three sentences: what was done, how good and how fast it is. */
export const summaryOf = (
  evaluation: Evaluation,
  { provenance }: Pick<LoadedModel['config'], 'provenance'>,
  { count, ...size }: Pick<Dataset, 'count' | 'height' | 'width'>,
): string => {
  const minutes = Math.max(1, Math.round(provenance.seconds / 60))
  return [
    `${count.toLocaleString('en')} pictures at ${sizeText(size)}; the student was distilled in ${minutes} min from ${provenance.images_seen.toLocaleString('en')} images.`,
    ...qualityOf(evaluation),
    ...speedOf(evaluation),
  ].join(' ')
}

const qualityOf = (evaluation: Evaluation): string[] => {
  const quick = quickestStudent(evaluation)
  if (!quick) return []
  const comparisons = compare(evaluation, quick)
  if (comparisons.length === 0) return []
  const judges = comparisons.length === 1 ? 'one judge' : `${comparisons.length} judges`
  if (!canTell(evaluation)) return [caveat(evaluation)]
  return [
    `In ${sampler(quick)} it is ${span(comparisons)} as far from the real pictures as the teacher at its best${ofFew(evaluation)} (FID, by ${judges}).`,
    caveat(evaluation),
  ].filter((sentence) => sentence !== '')
}

const speedOf = (evaluation: Evaluation): string[] => {
  const equal = equalTeacher(evaluation)
  const quick = quickestStudent(evaluation)
  const factor = speedUp(evaluation)
  if (!equal || !quick || !factor) return []
  const [many, word] = factor >= 1 ? [factor, 'faster'] : [1 / factor, 'slower']
  return [
    `A picture is ${many.toFixed(many < 10 ? 1 : 0)} times ${word} than with ${sampler(equal)}, the teacher’s cheapest way to come within ${Math.round(100 * (EQUAL - 1))} % of its best${byFirst(evaluation)}${ofFew(evaluation)}${timingIsNoisy(evaluation) ? '; the timing was noisy' : ''}.`,
  ]
}

/** The same noises and prompts through teacher and student. */
const grids = async (
  {
    student,
    teacher,
    dataset,
    steps,
    models,
    guidance_scale = guidanceOf(student.config),
  }: ProofOptions & { models: OpenModels },
  evaluation: Evaluation,
) => {
  const pictures: Record<string, Uint8Array> = {}
  const prompts = samplePrompts(dataset, GRID_PICTURES)
  const loaded = { teacher, student }
  const grid = async (row: EvaluationRow): Promise<Report['sections'][number]['grids'][number]> => {
    const { who, solver, steps: num_inference_steps, nfe, seconds_per_image } = row
    const painted = await models.of(loaded[who]).generate({
      prompts,
      seed: GRID_SEED,
      num_inference_steps,
      solver: solver as SamplerName,
      // A student's guidance is its own here, as it is in the numbers.
      ...(who === 'teacher' && { guidance_scale }),
    })
    const png = `${who}-${solver}-${num_inference_steps}.png`
    pictures[png] = await pngGrid(painted, { columns: 8 })
    const count = num_inference_steps === 1 ? '1 step' : `${num_inference_steps} steps`
    return {
      caption: who === 'student' ? `Student, ${count}` : `Teacher, ${count} of ${solverName(solver)}`,
      detail: `${nfe} network evaluation${nfe === 1 ? '' : 's'}, ${((seconds_per_image ?? 0) * 1000).toFixed(2)} ms per picture`,
      highlight: who === 'student',
      png,
    }
  }
  const rows = (who: EvaluationRow['who'], solver: string) =>
    evaluation.rows.filter((row) => row.who === who && row.solver === solver && steps.includes(row.steps))
  const all = async (list: readonly EvaluationRow[]) => {
    const made = []
    for (const row of list) made.push(await grid(row))
    return made
  }
  const best = bestTeacher(evaluation)
  const [quickest, ...more] = await all(rows('student', 'consistency'))
  const strokes = best ? await all([best]) : []
  const sections: Report['sections'] = [
    {
      title: 'Student and teacher, side by side',
      text: 'From the same noise, with the same prompts: each picture can be compared with the one in its place.',
      side_by_side: true,
      grids: [...(quickest ? [quickest] : []), ...strokes],
    },
    {
      title: 'The student, in more steps',
      text: 'The same noise and prompts again.',
      side_by_side: true,
      grids: more,
    },
    {
      title: 'The teacher, skipping steps',
      text: 'What one gets without distillation at the same number of steps.',
      side_by_side: true,
      grids: await all(rows('teacher', 'ddim')),
    },
  ].filter(({ grids }) => grids.length > 0)
  const size = sizeOf(dataset)
  const real = new Float32Array(GRID_PICTURES * size)
  for (let i = 0; i < GRID_PICTURES; i++)
    real.set(pictureOf(dataset, Math.floor(((i + 0.5) * dataset.count) / GRID_PICTURES)), i * size)
  pictures['data.png'] = await pngGrid(
    {
      data: real,
      count: GRID_PICTURES,
      channels: dataset.channels,
      height: dataset.height,
      width: dataset.width,
    },
    { columns: 8 },
  )
  sections.push({
    title: 'The pictures it was trained on',
    grids: [{ caption: 'Data', detail: dataset.name, highlight: false, png: 'data.png' }],
  })
  return { sections, pictures }
}
