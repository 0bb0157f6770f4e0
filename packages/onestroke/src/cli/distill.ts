import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DEFAULT_METHOD } from '@onestroke/core/consistency'
import { Command } from 'commander'
import pc from 'picocolors'
import type { Dataset } from '../data/index.js'
import {
  gridsCost,
  NOISE_SEEDS,
  pictureSpeeds,
  REPORT_STEPS,
  reportSamples,
  reportWithin,
  settingsFor,
} from '../evaluation/index.js'
import { loadModel, OpenModels } from '../model/index.js'
import { prove } from '../proof/index.js'
import { headlines, type Report, writeReport } from '../report/index.js'
import { REPORT_DATA_FILE, REPORT_FILE } from '../run-files.js'
import {
  type GuidanceScale,
  HALF,
  OPTIMIZER_DEFAULTS,
  objectiveNamed,
  PRESETS,
  type Progress,
  type RunPlan,
} from '../training/index.js'
import { flagsFor, sharedVocabulary } from './condition.js'
import { DATA_HELP, dataOptions } from './data-options.js'
import {
  collectOptions,
  guidanceScale,
  methodNamed,
  methodsHelp,
  withOptions,
  withTeacher,
} from './method.js'
import { integer } from './options.js'
import { type RunFlags, runCommand, runOptions } from './run-command.js'
import type { ReportFrame, RunSettings } from './run-settings.js'
import { type StudentFlags, studentOptions, studentSettings } from './student.js'
import { Bar, commandLine, say } from './terminal.js'
import { measuredOf } from './time-plan.js'
import { UsageError } from './usage-error.js'

const DEFAULT_MINUTES = 20
export const DISTILLATION: Pick<
  RunPlan,
  'batch' | 'optimizer' | 'schedule' | 'condition_dropout' | 'word_dropout'
> = {
  batch: 64,
  optimizer: OPTIMIZER_DEFAULTS,
  schedule: { learning_rate: 8e-4, warmup: 0.02, decay: 0.7, ema_half_life: null },
  condition_dropout: 0.1,
  word_dropout: 0.05,
}

interface DistillFlags extends RunFlags, StudentFlags {
  method: string
  student?: string
  initFrom?: string
  option?: Record<string, string>
  guidanceScale?: GuidanceScale
  samples?: number
}

export const distillCommand = (): Command =>
  studentOptions(
    runOptions(
      dataOptions(
        new Command('distill')
          .description(
            'distil a teacher into a student that paints in one to four steps, and prove it in a report',
          )
          .argument('<TEACHER>', 'model folder of a diffusion model')
          .argument('<DATA>', 'pictures, as for train'),
      ),
      DEFAULT_MINUTES,
    ),
  )
    .option('--method <name>', 'how: see the list below', methodNamed(withTeacher), DEFAULT_METHOD)
    .option('--option <name=value>', 'of the method, in place of its default', collectOptions)
    .option(
      '--student <size>',
      `another size than the teacher’s: ${HALF} of its blocks, which begin as the teacher’s, or a preset of train, from nothing`,
      studentSize,
    )
    .option(
      '--init-from <model>',
      'begin as this student instead of as the teacher: to train it longer, to halve it, or to make it sharper (dmd)',
    )
    .option(
      '--guidance-scale <w>',
      'guidance of the teacher, D_u + w(D_c − D_u); 1 is none; a range like 1-6 makes it, and negative prompts, an input of the student (default: 1, for lcm 1-6)',
      guidanceScale,
    )
    .option('--samples <count>', 'pictures to paint for each number in the report; 0 writes none', samples)
    .addHelpText(
      'after',
      `${DATA_HELP}

Methods, and their options with the defaults (first, where there are words to choose from):
${methodsHelp(withTeacher)}

  onestroke distill runs/emoji iconify:fluent-emoji-flat,noto --out runs/student --minutes 30
  onestroke distill runs/emoji iconify:fluent-emoji-flat,noto --out runs/cd --method cd --option N=40
  onestroke distill runs/emoji iconify:fluent-emoji-flat,noto --out runs/sharp --method dmd --init-from runs/student

When it is done, report.html in the folder shows teacher and student side by side.`,
    )
    .action(async (teacherPath: string, spec: string, flags: DistillFlags) => {
      const teacher = await loadModel(teacherPath)
      if (teacher.config.kind !== 'teacher')
        throw new UsageError(
          `${teacherPath} is a student; distilling needs a diffusion model, as train makes`,
        )
      const initFrom = flags.initFrom === undefined ? undefined : await loadModel(flags.initFrom)
      const settings = distillSettings(teacher, flags)
      const { refines } = objectiveNamed(flags.method)
      if (refines && initFrom?.config.kind !== 'student')
        say(
          pc.yellow(
            `${flags.method} is for students that can paint already; begin with a student of this teacher (--init-from STUDENT)`,
          ),
        )
      await runCommand(
        spec,
        { ...flagsFor(teacher), ...flags },
        {
          ...settings,
          initFrom,
          ...(flags.samples !== 0 && reporting(teacherPath, flags.out, settings, flags)),
        },
      )
    })

/** Settings of a distillation from `teacher`. */
export const distillSettings = (
  teacher: Awaited<ReturnType<typeof loadModel>>,
  {
    method = DEFAULT_METHOD,
    student,
    option = {},
    guidanceScale,
    ...flags
  }: Partial<Pick<DistillFlags, 'method' | 'student' | 'option' | 'guidanceScale' | 'checks' | 'tune'>>,
): RunSettings => ({
  command: 'distill',
  preset: student ?? teacher.config.provenance.preset,
  objective: withOptions(objectiveNamed(method), option),
  teacher,
  guidance_scale: guidanceScale,
  minutes: DEFAULT_MINUTES,
  vocabulary: (dataset) => sharedVocabulary(teacher, 'the teacher', dataset),
  range: () => teacher.config,
  training: DISTILLATION,
  ...studentSettings(flags, {
    teacher,
    guidance_scale: typeof guidanceScale === 'object' ? guidanceScale[0] : (guidanceScale ?? 1),
  }),
})

const studentSize = (text: string): string => {
  const sizes = [HALF, ...Object.keys(PRESETS)]
  if (!sizes.includes(text)) throw new UsageError(`unknown size ${text}; there are ${sizes.join(', ')}`)
  return text
}

/** Reads --samples: 0, or at least 64 pictures, which a covariance needs. */
const samples = (text: string): number => (text.trim() === '0' ? 0 : integer(64, 1_000_000)(text))

interface ProofSettings {
  title?: string
  /** Pictures for each row and noise seed. Default: as many as time allows. */
  samples?: number
  extend?(report: Report, pictures: Record<string, Uint8Array>, dataset: Dataset): Promise<void>
}

/** How a distillation's report is made, and how it is found if it is there already. */
export const reporting = (
  teacherPath: string,
  out: string,
  settings: RunSettings,
  proof: ProofSettings,
): Pick<RunSettings, 'report' | 'reported' | 'samples'> => ({
  samples: proof.samples,
  report: (progress, dataset, frame) =>
    writeProof(progress, dataset, teacherPath, out, settings, frame, proof),
  async reported() {
    const [html, json] = [join(out, REPORT_FILE), join(out, REPORT_DATA_FILE)]
    if (!existsSync(html)) return undefined
    try {
      return reportFacts(html, JSON.parse(await readFile(json, 'utf8')) as Report)
    } catch {
      return undefined
    }
  },
})

const reportFacts = (html: string, { evaluation }: Report) => ({ report: html, evaluation })

/** Evaluates the finished run and writes its report. */
const writeProof = async (
  progress: Progress | undefined,
  dataset: Dataset,
  teacherPath: string,
  out: string,
  settings: RunSettings,
  { effort, seconds, timed }: ReportFrame,
  { title = `${dataset.name}, in one stroke`, samples, extend }: ProofSettings,
): Promise<object> => {
  const begin = performance.now()
  const bar = new Bar('evaluating', 'pictures')
  const [student, teacher] = [await loadModel(out), await loadModel(teacherPath)]
  const judged = effort.feature_steps > 0
  const own = judged ? await settings.features!(dataset, effort) : null
  const measured = async (models: OpenModels) => {
    // Timed again, because the machine's load may have changed since the run began.
    const painting = await pictureSpeeds({
      dataset,
      student: models.of(student),
      teacher: models.of(teacher),
      guidance_scale: settings.path!.guidance_scale,
    })
    const speeds = { step: 0, feature_step: 0, ...painting }
    const left = seconds - (performance.now() - begin) / 1000
    const asked = measuredOf(dataset, { ...settings, samples })
    const amount = reportWithin(left, effort, speeds, { ...asked, report: true })
    return prove({
      title,
      student,
      teacher,
      dataset,
      models,
      own,
      steps: REPORT_STEPS,
      samples: reportSamples(amount, asked),
      real_samples: amount.report_real,
      seed: 0,
      // The plan counts on fewer. The time that is left decides how many there will be.
      noise_seeds: NOISE_SEEDS,
      teacher_settings: settingsFor(amount),
      distance_samples: amount.report_path,
      denoising: amount.report_denoising > 0,
      ...((timed || samples === undefined) && { seconds: left - gridsCost(amount, speeds) }),
      progress,
      commands: [commandLine()],
      onProgress: (what, done, total) => bar.update(done, total, what),
    })
  }
  const { report, pictures } = await OpenModels.during(measured).finally(() => bar.stop())
  await extend?.(report, pictures, dataset)
  await writeReport(out, report, pictures)
  const html = join(out, REPORT_FILE)
  for (const { value, label, parts = [], detail } of headlines(report)) {
    say(`  ${value} ${label}${detail ? ` — ${detail}` : ''}`)
    for (const part of parts) say(`      ${part}`)
  }
  say(`report: ${html}`)
  return reportFacts(html, report)
}
