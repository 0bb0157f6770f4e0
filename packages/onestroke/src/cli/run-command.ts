/** What `train` and `distill` have in common: open the run's folder, train with a bar, save on Ctrl-C, say what came out. */
import { pictureFeatures } from '@onestroke/core/consistency'
import { EDM } from '@onestroke/core/diffusion'
import { UserError } from '@onestroke/core/errors'
import { sizeText } from '@onestroke/core/picture'
import { fromOnnx, trace } from '@onestroke/core/tensor'
import type { Command } from 'commander'
import pc from 'picocolors'
import { type Dataset, summaryOf } from '../data/index.js'
import { type Effort, FULL_EFFORT, featureModel } from '../evaluation/index.js'
import { loadModel, type Model, sha256Of } from '../model/index.js'
import { runtimeFor, useThreads } from '../runtime/index.js'
import {
  autoencoderOf,
  checkRun,
  isFinished,
  lockRun,
  OPTIMIZERS,
  type OptimizerName,
  openRun,
  type Progress,
  pointsFor,
  type RunOptions,
  type RunPlan,
  type RunResult,
  readProgress,
  run,
  type StepEvent,
} from '../training/index.js'
import { checkOut } from './check-out.js'
import type { DataFlags } from './data-options.js'
import { openDataToLearn } from './open-data.js'
import { integer, number, positive } from './options.js'
import { leave, stoppedAfter } from './run-ends.js'
import type { CheckResult, ReportFrame, RunSettings } from './run-settings.js'
import { writeSamples } from './samples.js'
import { Bar, printable, say, showingFeatures, warn, whenInterrupted } from './terminal.js'
import { elapsed, LEAST_REPORT, reportSeconds, shareOut } from './time-plan.js'
import { UsageError } from './usage-error.js'

/** Flags of every run. */
export interface TrainingFlags extends DataFlags {
  out: string
  images?: number
  minutes?: number
  seed: number
  batch?: number
  learningRate?: number
  flip?: boolean
  checkpointEvery: number
  threads: number
  force?: boolean
  json?: boolean
}

/** Flags of runs that train a denoiser. */
export interface RunFlags extends TrainingFlags {
  optimizer?: OptimizerName
  sigmaMax?: number
  translate: number
  features?: string
}

/** Options of every run. @param usual minutes of a run for which neither length is given */
export const trainingOptions = (command: Command, usual: number): Command =>
  command
    .requiredOption('--out <dir>', 'folder of the run: holds its state, and in the end the model')
    .option('--images <count>', 'train on so many pictures (repeats count)', integer(1))
    .option(
      '--minutes <time>',
      `or for about so long in all, checks, search and report included; ${usual} if neither is given`,
      minutes,
    )
    .option(
      '--seed <number>',
      'same seed and --images, same machine: the same model, bit for bit',
      integer(0),
      0,
    )
    .option('--batch <pictures>', 'pictures in one step', integer(1))
    .option(
      '--learning-rate <rate>',
      'of the optimiser, before its decay; by default what suits the method',
      positive,
    )
    .option('--flip', 'also learn from mirrored pictures')
    .option('--checkpoint-every <seconds>', 'how often the state is saved', number(0), 60)
    .option(
      '--threads <count>',
      'threads of its graphs, 0 for $ONESTROKE_THREADS or all cores',
      integer(0),
      0,
    )
    .option('--force', 'start over, throwing away what a run has written in the folder')
    .option('--json', 'print one JSON document about the result on standard output')

/** Options of runs that train a denoiser. */
export const runOptions = (command: Command, usual: number): Command =>
  trainingOptions(command, usual)
    .option(
      '--optimizer <name>',
      `${OPTIMIZERS.join(', ')} (default: muon for diffusion models, adam for students)`,
      optimizerName,
    )
    .option('--sigma-max <sigma>', 'strongest noise', number(0, 1_000_000))
    .option(
      '--translate <pixels>',
      'also learn from pictures shifted by up to so many pixels',
      integer(0, 4096),
      0,
    )
    .option(
      '--features <file>',
      'for --option distance=perceptual: an ONNX model [N, C, H, W] → features; by default one trained on the data',
    )

export const minutes = number(0.001, 1_000_000)

const optimizerName = (name: string): OptimizerName => {
  const known = OPTIMIZERS.find((one) => one === name)
  if (known) return known
  throw new UsageError(`unknown optimizer ${name}; there are ${OPTIMIZERS.join(', ')}`)
}

/** @throws Interrupted after a Ctrl-C; UserError for everything that the user can mend. */
export const runCommand = async (spec: string, flags: RunFlags, settings: RunSettings): Promise<void> => {
  if (flags.images !== undefined && flags.minutes !== undefined)
    throw new UsageError('--images and --minutes exclude each other')
  await checkOut(spec, flags.out, settings)
  whenInterrupted(leave)
  // Training and measuring, here and in workers, use these threads.
  if (flags.threads > 0) useThreads(flags.threads)
  const dataset = await openDataToLearn(spec, flags)
  const perceptual = await perceptualNetwork(dataset, flags, settings)
  const plan = planOf(dataset, flags, settings, perceptual?.sha256)
  const vocabulary = settings.vocabulary(dataset)
  const { teacher, initFrom, autoencoder } = settings
  const job: Job = {
    plan,
    dataset,
    vocabulary,
    directory: flags.out,
    teacher,
    initFrom,
    autoencoder,
    features: perceptual?.network,
  }
  const finished = !flags.force && isFinished(flags.out)
  if (!finished) checkRun(job)
  // A finished run needs no lock, and its folder may be read-only.
  const isReported = !settings.report || (await settings.reported?.()) !== undefined
  const unlock = finished && isReported ? undefined : await lockRun(flags.out)
  try {
    await runLocked(job, flags, settings)
  } finally {
    await unlock?.()
  }
}

/** What is trained: the options of a run without its callbacks. */
type Job = Pick<
  RunOptions,
  'plan' | 'dataset' | 'vocabulary' | 'directory' | 'teacher' | 'initFrom' | 'autoencoder' | 'features'
>

const runLocked = async (job: Job, flags: RunFlags, settings: RunSettings): Promise<void> => {
  const { plan, dataset } = job
  const status = await openRun(flags.out, plan, flags.force === true)
  /** Whether the run's time was shared out by this very process. */
  let whole = false
  if (status !== 'finished') {
    say(printable(summaryOf(dataset)))
    const space = spaceNote(job)
    if (space) say(space)
    const { finished, progress } = await trainWithBar(job, flags, settings, () => {
      whole = true
    })
    if (!finished) throw stoppedAfter(progress, plan, flags)
    say(pc.green(`${settings.command === 'train' ? 'trained' : 'distilled'}: ${flags.out}`))
  }
  const progress = await readProgress(flags.out)
  const known = status === 'finished' ? await settings.reported?.() : undefined
  if (status === 'finished')
    say(
      `the run in ${flags.out} is finished; ${known || !settings.report ? 'nothing was changed' : 'only its report is missing'} (--force starts over)`,
    )
  const report = known ?? (await settings.report?.(progress, dataset, frameOf(plan, progress, whole)))
  whenInterrupted(undefined)
  if (!flags.json) return
  const { config, sha256 } = await loadModel(flags.out)
  console.log(
    JSON.stringify({
      status: status === 'finished' ? 'finished' : 'done',
      out: flags.out,
      sha256,
      kind: config.kind,
      images_seen: config.provenance.images_seen,
      seconds: config.provenance.seconds,
      skipped_steps: progress?.skipped_steps ?? null,
      loss: progress?.log.at(-1)?.loss ?? null,
      ...report,
    }),
  )
}

/** Pictures whose longer side has so many pixels are trained sooner in latents. */
const LARGE = 96

/** In whose latents a run works; of large pictures without latents, how to have some. */
const spaceNote = (job: Job): string | undefined => {
  const { dataset, teacher } = job
  const autoencoder = autoencoderOf(job)
  if (autoencoder) {
    const { shape } = pointsFor(job, dataset)
    return `in latents of ${autoencoder.path}: ${sizeText(shape)} with ${shape.channels} channels, for pictures of ${sizeText(dataset)}`
  }
  if (teacher || Math.max(dataset.height, dataset.width) < LARGE) return undefined
  return pc.yellow(
    `pictures of ${sizeText(dataset)} pixels take long; latents are quicker: \`onestroke autoencoder\` with the same pictures makes what --autoencoder takes`,
  )
}

/**
 * The feature network by which a method measures distances, if it does.
 *
 * @throws UserError if it cannot be read, or is not wanted.
 */
const perceptualNetwork = async (
  dataset: Dataset,
  { features: file }: RunFlags,
  { objective }: RunSettings,
) => {
  const { distance } = objective.options as { distance?: string }
  if (distance !== 'perceptual') {
    if (file !== undefined)
      throw new UsageError(
        `--features is for perceptual distances; ${objective.name} measures by ${distance ?? 'its own'}`,
        {
          remedy:
            distance === undefined ? 'leave it out' : 'add --option distance=perceptual, or leave it out',
        },
      )
    return undefined
  }
  const { bytes, name } = await showingFeatures((notify) => featureModel(dataset, { file, ...notify }))
  try {
    const network = fromOnnx(bytes)
    const { channels, height, width } = dataset
    trace({ x: [1, channels, height, width] }, ({ x }) => ({ features: pictureFeatures(network)(x!) }))
    return { network, sha256: sha256Of(bytes) }
  } catch (cause) {
    throw new UserError(`${name} cannot be part of a loss: ${(cause as Error).message}`, { cause })
  }
}

const planOf = (
  dataset: Dataset,
  flags: RunFlags,
  settings: RunSettings,
  features: string | undefined,
): RunPlan => {
  const { training, objective, teacher, initFrom, autoencoder, prediction = EDM.prediction } = settings
  const { sigma_min, sigma_max } = settings.range(dataset)
  return {
    command: settings.command,
    data: { spec: dataset.name, sha256: dataset.sha256, images: dataset.count },
    teacher: teacher?.sha256 ?? null,
    init_from: initFrom?.sha256,
    autoencoder: autoencoder?.sha256,
    preset: settings.preset,
    ...(prediction !== EDM.prediction && { prediction }),
    method: objective.name,
    method_options: objective.options as Record<string, unknown>,
    features,
    sigma_min,
    sigma_max: flags.sigmaMax ?? sigma_max,
    batch: flags.batch ?? objective.batch ?? training.batch,
    images: flags.images ?? null,
    minutes: flags.images === undefined ? (flags.minutes ?? settings.minutes) : null,
    seed: flags.seed,
    guidance_scale:
      settings.guidance_scale ??
      (dataset.names || dataset.classes ? objective.guidance_scale : undefined) ??
      1,
    condition_dropout: training.condition_dropout,
    word_dropout: training.word_dropout,
    ...(settings.tune === false && { tune: false }),
    checks: settings.checks ?? 0,
    flip: flags.flip === true,
    translate: flags.translate,
    optimizer: { ...training.optimizer, optimizer: flags.optimizer ?? training.optimizer.optimizer },
    schedule: {
      ...training.schedule,
      learning_rate: flags.learningRate ?? objective.learning_rate ?? training.schedule.learning_rate,
    },
  }
}

/** The effort that was chosen when the run began; the full effort if none was. */
const effortOf = (effort: Readonly<Record<string, number>> = {}): Effort => ({ ...FULL_EFFORT, ...effort })

/** Seconds for the report: what is left of the run's minutes, or what was planned if the run was stopped on the way. */
const frameOf = (plan: RunPlan, progress: Progress | undefined, whole: boolean): ReportFrame => {
  const { effort } = progress?.time ?? {}
  const planned = effort?.report_seconds ?? 0
  const timed = plan.minutes !== null
  const seconds = timed
    ? whole
      ? Math.max(60 * plan.minutes! - elapsed(), planned / 2)
      : planned
    : reportSeconds(progress?.seconds ?? 0)
  return { effort: effortOf(effort), seconds: seconds > 0 ? seconds : LEAST_REPORT, timed }
}

/** @param onShared called when the time of the run was shared out. */
const trainWithBar = async (
  job: Job,
  flags: RunFlags,
  settings: RunSettings,
  onShared: () => void,
): Promise<RunResult> => {
  const { plan, dataset } = job
  const encoding = new Bar('encoding', 'pictures')
  const bar = new Bar(settings.command === 'train' ? 'training' : 'distilling')
  let grid = ''
  const note = (event: StepEvent, { log, checks }: Progress) => {
    const check = checks.at(-1)
    const quality = check
      ? ` · FID ${Object.values(check.fid)
          .map((fid) => fid.toPrecision(3))
          .join('/')}`
      : ''
    return `loss ${(log.at(-1)?.loss ?? event.loss).toFixed(4)}${quality}${grid ? ` · ${grid}` : ''}`
  }
  /** Pictures that cannot be shown can be trained with all the same. */
  const preview = async (...args: Parameters<typeof writeSamples>): Promise<string> => {
    try {
      return await writeSamples(...args)
    } catch (error) {
      bar.stop()
      warn(`no samples this time: ${(error as Error).message}`)
      return grid
    }
  }
  let check: ((model: Model) => Promise<CheckResult>) | undefined
  let stopped = false
  const stopPolitely = () => {
    stopped = true
    say(pc.yellow('stopping after this step; the state will be saved (Ctrl-C again to stop at once)'))
  }
  try {
    return await run({
      ...job,
      runtime: runtimeFor(),
      checkpoint_every: flags.checkpointEvery,
      shouldStop: () => stopped,
      onEncode(done, total) {
        encoding.update(done, total)
        if (done === total) encoding.stop()
      },
      onUncached: (reason) => warn(`the latents cannot be kept for the next time: ${reason}`),
      allot: async (step_seconds, model) => {
        onShared()
        return shareOut(step_seconds, model, plan, dataset, settings)
      },
      onStart: async ({ step, time }) => {
        if (step > 0) say(`going on after ${step * plan.batch} pictures`)
        const effort = effortOf(time?.effort)
        if (plan.checks > 0 && effort.feature_steps > 0 && effort.checks > 0)
          check = await settings.checker?.(dataset, effort)
        whenInterrupted(stopPolitely)
      },
      onStep: (event, progress) =>
        bar.update(Math.min(event.images, progress.images), progress.images, note(event, progress)),
      onCheckpoint: async (model, { step }) => {
        grid = await preview(model, flags.out, dataset, step * plan.batch)
      },
      ...(settings.checker && { check: (model) => check!(model) }),
      ...(settings.tuneSampling &&
        settings.tune !== false && {
          tuneSampling: async (model, effort) => {
            bar.stop()
            whenInterrupted(leave)
            const { feature_steps, search_pictures } = effortOf(effort)
            if (feature_steps === 0 || search_pictures === 0) return {}
            return settings.tuneSampling!(model, dataset, effortOf(effort))
          },
        }),
    })
  } finally {
    bar.stop()
    whenInterrupted(leave)
  }
}
