import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { consistencyDistillation, METHODS } from '@onestroke/core/consistency'
import { UserError } from '@onestroke/core/formats'
import { Command } from 'commander'
import type { Dataset } from '../data/index.js'
import { loadModel } from '../model/index.js'
import { prove } from '../proof/index.js'
import { headlines, type Report, writeReport } from '../report/index.js'
import { OPTIMIZER_DEFAULTS, objectiveNamed, type RunPlan, type RunResult } from '../training/index.js'
import { DATA_HELP, dataOptions, number } from './options.js'
import { type RunFlags, type RunSettings, runCommand, runOptions } from './run-command.js'
import { Bar, say } from './terminal.js'

const DEFAULT_MINUTES = 20
export const DISTILLATION: Pick<
  RunPlan,
  'batch' | 'optimizer' | 'schedule' | 'condition_dropout' | 'word_dropout'
> = {
  batch: 128,
  optimizer: OPTIMIZER_DEFAULTS,
  schedule: { learning_rate: 7e-4, warmup: 0.02, decay: 0.3, ema_half_life: null },
  condition_dropout: 0.1,
  word_dropout: 0.05,
}

interface DistillFlags extends RunFlags {
  method: string
  student?: string
  guidanceScale: number
}

export const distillCommand = (): Command =>
  runOptions(
    dataOptions(
      new Command('distill')
        .description(
          'distil a teacher into a student that paints in one to four steps, and prove it in a report',
        )
        .argument('<TEACHER>', 'model folder of a diffusion model')
        .argument('<DATA>', 'pictures, as for train'),
    ),
  )
    .option('--method <name>', `how: ${methods()}`, consistencyDistillation.name)
    .option('--student <preset>', 'another size than the teacher’s: a preset of train')
    .option('--guidance-scale <w>', 'guidance of the teacher, D_u + w(D_c − D_u); 1 is none', number(0), 1)
    .addHelpText(
      'after',
      `${DATA_HELP}

  onestroke distill runs/emoji iconify:fluent-emoji-flat --out runs/student --minutes 30

When it is done, report.html in the folder shows teacher and student side by side.`,
    )
    .action(async (teacherPath: string, spec: string, flags: DistillFlags) => {
      const teacher = await loadModel(teacherPath)
      if (teacher.config.kind !== 'teacher')
        throw new UserError(
          `${teacherPath} is a student; distilling needs a diffusion model, as train makes`,
          { exitCode: 2 },
        )
      const { network } = teacher.config
      await runCommand(
        spec,
        { resolution: network.resolution, channels: network.channels === 1 ? '1' : '3', ...flags },
        {
          ...distillSettings(teacher, flags),
          afterwards: (result, dataset) => writeProof(result, dataset, teacherPath, flags.out),
        },
      )
    })

/** Settings of a distillation from `teacher`. */
export const distillSettings = (
  teacher: Awaited<ReturnType<typeof loadModel>>,
  { method, student, guidanceScale }: { method: string; student?: string; guidanceScale: number },
): RunSettings => ({
  command: 'distill',
  preset: student ?? teacher.config.provenance.preset,
  objective: objectiveNamed(method),
  teacher,
  guidance_scale: guidanceScale,
  minutes: DEFAULT_MINUTES,
  vocabulary: (dataset) => {
    checkData(teacher.config.vocabulary.kind, dataset)
    return teacher.config.vocabulary
  },
  range: () => teacher.config,
  training: DISTILLATION,
})

const methods = () =>
  Object.values(METHODS)
    .map(({ name, about }) => `${name} (${about})`)
    .join(', ')

const checkData = (kind: 'none' | 'class' | 'text', { names, classes, name }: Dataset): void => {
  if ((kind === 'text' && !names) || (kind === 'class' && !classes))
    throw new UserError(
      `the teacher is conditioned on ${kind === 'text' ? 'prompts' : 'classes'}, but ${name} has none`,
      { exitCode: 2 },
    )
}

/** Samples that `distill` evaluates with: enough for stable distances, few enough for minutes. */
const SAMPLES = 2048

/** Evaluates the finished run and writes its report. */
export const writeProof = async (
  { progress }: RunResult,
  dataset: Dataset,
  teacherPath: string,
  out: string,
  {
    samples = Math.min(SAMPLES, Math.max(512, dataset.count)),
    extend,
  }: { samples?: number; extend?(report: Report, pictures: Record<string, Uint8Array>): Promise<void> } = {},
): Promise<object> => {
  const bar = new Bar('evaluating')
  const training = new Bar('training a feature network for the metrics', 'steps')
  const { report, pictures } = await prove({
    title: `${dataset.name}, in one stroke`,
    student: await loadModel(out),
    teacher: await loadModel(teacherPath),
    dataset,
    steps: [1, 2, 4],
    samples,
    seed: 0,
    log: progress.log,
    commands: [`onestroke ${process.argv.slice(2).join(' ')}`],
    onProgress: (what, done, total) => bar.update(done, total, what),
    onTrain: (step, steps) => training.update(step, steps),
  })
  bar.stop()
  training.stop()
  await extend?.(report, pictures)
  await writeReport(out, report, pictures)
  const html = join(out, 'report.html')
  for (const { value, label, detail } of headlines(report))
    say(`  ${value} ${label}${detail ? ` — ${detail}` : ''}`)
  say(`report: ${html}`)
  return { report: html, evaluation: report.evaluation }
}

export const isReported = (out: string): boolean => existsSync(join(out, 'report.html'))
