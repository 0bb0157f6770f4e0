import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { factorOf } from '@onestroke/core/autoencoder'
import { UserError } from '@onestroke/core/errors'
import { Command, Option } from 'commander'
import pc from 'picocolors'
import { type Dataset, summaryOf } from '../data/index.js'
import { type HeldOut, heldOut, reconstructionSpeed, reconstructionsOf } from '../evaluation/index.js'
import { Autoencoder, loadAutoencoder } from '../model/index.js'
import { REPORT_FILE } from '../run-files.js'
import { runtimeFor, useThreads } from '../runtime/index.js'
import {
  type Allotment,
  type AutoencoderPlan,
  checkAutoencoder,
  FACTORS,
  type Factor,
  isFinished,
  LATENT_CHANNELS,
  lockRun,
  OPTIMIZER_DEFAULTS,
  openRun,
  presetAutoencoder,
  readProgress,
  trainAutoencoder,
} from '../training/index.js'
import { checkOut } from './check-out.js'
import { DATA_HELP, dataOptions } from './data-options.js'
import { openData } from './open-data.js'
import { integer } from './options.js'
import { SHOWN, writeReconstructionReport, writeReconstructions } from './reconstructions.js'
import { type TrainingFlags, trainingOptions } from './run-command.js'
import { leave, stoppedAfter } from './run-ends.js'
import { Bar, duration, printable, say, warn, whenInterrupted } from './terminal.js'
import { elapsed } from './time-plan.js'
import { UsageError } from './usage-error.js'

const DEFAULT_MINUTES = 30
const BATCH = 24
const CHECKS = 8
/** Shares of a run's minutes: for the last checkpoint and the report; for checks, at most; for the training, at least. */
const [FINISHING, CHECKING, LEAST] = [0.03, 0.15, 0.25]

interface AutoencoderFlags extends TrainingFlags {
  factor: string
  latentChannels?: number
  crop?: number
}

export const autoencoderCommand = (): Command =>
  trainingOptions(
    dataOptions(
      new Command('autoencoder')
        .description(
          'train an autoencoder on your pictures: it makes them small enough for a diffusion model, and large again',
        )
        .argument('<DATA>', 'pictures to learn from'),
    ),
    DEFAULT_MINUTES,
  )
    .addOption(
      new Option('--factor <pixels>', 'side of the square of pixels that becomes one position of the latents')
        .choices(FACTORS.map(String))
        .default('8'),
    )
    .option(
      '--latent-channels <count>',
      `numbers for each position (default: ${FACTORS.map((factor) => `${LATENT_CHANNELS[factor]} for ${factor}`).join(', ')})`,
      integer(1, 256),
    )
    .option(
      '--crop <pixels>',
      'side of the parts of pictures that it learns from, a multiple of the factor (default: 8 times the factor, at most as large as the pictures)',
      integer(8, 1024),
    )
    .addHelpText(
      'after',
      `${DATA_HELP}

Stop it at any moment, with Ctrl-C or otherwise: the same command goes on where it stopped.

  onestroke autoencoder photos/ --resolution 256 --out runs/autoencoder --minutes 60`,
    )
    .action(autoencoder)

const autoencoder = async (spec: string, flags: AutoencoderFlags): Promise<void> => {
  if (flags.images !== undefined && flags.minutes !== undefined)
    throw new UsageError('--images and --minutes exclude each other')
  await checkOut(spec, flags.out, {})
  whenInterrupted(leave)
  if (flags.threads > 0) useThreads(flags.threads)
  const dataset = await openData(spec, flags)
  const kept = heldOut(dataset)
  const plan = planOf(dataset, flags)
  const finished = !flags.force && isFinished(flags.out)
  if (!finished) checkAutoencoder({ plan, dataset: kept.learned })
  const unlock = finished ? undefined : await lockRun(flags.out)
  try {
    const status = await openRun(flags.out, plan, flags.force === true)
    if (status === 'finished')
      say(`the run in ${flags.out} is finished; nothing was changed (--force starts over)`)
    else {
      say(printable(summaryOf(dataset)))
      await train(plan, kept, flags)
      say(pc.green(`trained: ${flags.out}`))
    }
    await tell(flags, kept, status === 'finished')
  } finally {
    await unlock?.()
  }
}

const planOf = (dataset: Dataset, flags: AutoencoderFlags): AutoencoderPlan => {
  const factor = Number(flags.factor) as Factor
  const network = presetAutoencoder(factor, dataset.channels, flags.latentChannels)
  const side = Math.min(dataset.height, dataset.width)
  const crop = flags.crop ?? Math.min(8 * factor, side - (side % factor))
  return {
    command: 'autoencoder',
    data: { spec: dataset.name, sha256: dataset.sha256, images: dataset.count },
    preset: `f${factor}c${network.latent_channels}`,
    method: 'reconstruction',
    network,
    crop: Math.max(crop, factor),
    batch: flags.batch ?? BATCH,
    images: flags.images ?? null,
    minutes: flags.images === undefined ? (flags.minutes ?? DEFAULT_MINUTES) : null,
    seed: flags.seed,
    checks: CHECKS,
    flip: flags.flip === true,
    optimizer: { ...OPTIMIZER_DEFAULTS, beta2: 0.95 },
    schedule: {
      learning_rate: flags.learningRate ?? 2e-3,
      warmup: 0.02,
      decay: 0.7,
      ema_half_life: null,
    },
  }
}

const train = async (plan: AutoencoderPlan, kept: HeldOut, flags: AutoencoderFlags): Promise<void> => {
  const bar = new Bar('training', 'crops')
  /** Pictures that are looked at on the way. */
  const shown = { dataset: kept.dataset, rows: kept.rows.slice(0, SHOWN) }
  let stopped = false
  let quality = ''
  const stopPolitely = () => {
    stopped = true
    say(pc.yellow('stopping after this step; the state will be saved (Ctrl-C again to stop at once)'))
  }
  try {
    const { finished, progress } = await trainAutoencoder({
      plan,
      dataset: kept.learned,
      directory: flags.out,
      runtime: runtimeFor(),
      checkpoint_every: flags.checkpointEvery,
      shouldStop: () => stopped,
      allot: (_, model) => shareOut(model, plan, kept),
      onStart: ({ step }) => {
        if (step > 0) say(`going on after ${step * plan.batch} crops`)
        whenInterrupted(stopPolitely)
      },
      onStep: ({ images, loss }, progress) =>
        bar.update(
          Math.min(images, progress.images),
          progress.images,
          `loss ${(progress.log.at(-1)?.loss ?? loss).toFixed(4)}${quality}`,
        ),
      check: async (model) => {
        const { scores } = await reconstructionsOf(model, kept)
        return { fid: {}, scores, teacher_distance: null }
      },
      onCheck: ({ score }) => {
        quality = ` · ${(10 * Math.log10(4 / score)).toFixed(1)} dB`
      },
      onCheckpoint: async (model) => {
        try {
          await writeReconstructions(flags.out, await reconstructionsOf(model, shown))
        } catch (error) {
          bar.stop()
          warn(`no pictures this time: ${(error as Error).message}`)
        }
      },
    })
    if (!finished) throw stoppedAfter(progress, plan, flags)
  } finally {
    bar.stop()
    whenInterrupted(leave)
  }
}

/** Shares out the minutes of a run between training and checks, and says how. A run of so many images has all checks. */
const shareOut = async (
  model: Autoencoder,
  { minutes, checks }: AutoencoderPlan,
  kept: HeldOut,
): Promise<Allotment | undefined> => {
  if (minutes === null) return undefined
  const total = 60 * minutes
  const begin = performance.now()
  await reconstructionsOf(model, kept)
  const check = (performance.now() - begin) / 1000
  const most = Math.min(checks, Math.max(1, Math.floor((CHECKING * total) / check)))
  // The report measures once more.
  const rest = (1 - FINISHING) * total - elapsed() - (most + 1) * check
  const training = Math.max(rest, LEAST * total)
  say(
    `${duration(total)}: about ${duration(training)} training, ${duration(most * check)} checks on ${kept.rows.length} pictures, ${duration(check)} report`,
  )
  return { training, checks: most, effort: {} }
}

/** Says how well the autoencoder does, and writes its report where there is none. */
const tell = async (flags: AutoencoderFlags, kept: HeldOut, wasFinished: boolean): Promise<void> => {
  const loaded = await loadAutoencoder(flags.out)
  const model = Autoencoder.of(loaded)
  const found = await reconstructionsOf(model, kept)
  const { network, provenance } = loaded.config
  if (!provenance) throw new UserError(`${flags.out} holds an autoencoder that was not trained here`)
  const held_out = kept.learned !== kept.dataset
  const progress = await readProgress(flags.out)
  if (!existsSync(join(flags.out, REPORT_FILE)))
    await writeReconstructionReport(flags.out, loaded, provenance, kept, {
      found,
      progress,
      ...(await reconstructionSpeed(model, kept)),
    })
  await model.release()
  whenInterrupted(undefined)
  say(
    `${found.psnr.toFixed(1)} dB on ${kept.rows.length} pictures${held_out ? ' that it did not learn from' : ''}; a picture becomes ${network.latent_channels} numbers for each ${factorOf(network)}×${factorOf(network)} pixels`,
  )
  say(`report: ${join(flags.out, REPORT_FILE)}`)
  if (!flags.json) return
  console.log(
    JSON.stringify({
      status: wasFinished ? 'finished' : 'done',
      out: flags.out,
      sha256: loaded.sha256,
      kind: 'autoencoder',
      images_seen: provenance.images_seen,
      seconds: provenance.seconds,
      skipped_steps: progress?.skipped_steps ?? null,
      loss: progress?.log.at(-1)?.loss ?? null,
      psnr: found.psnr,
    }),
  )
}
