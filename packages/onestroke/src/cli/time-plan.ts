/** How the time of a run is shared out between training, checks, the search for noise levels and the report; and how that is said. */
import { type PictureSize, scaledBy, sizeOf, sizeOption } from '@onestroke/core/picture'
import type { Dataset } from '../data/index.js'
import {
  CHECK_SEEDS,
  type Costs,
  costsOf,
  type Effort,
  effortWithin,
  FULL_EFFORT,
  featureTrainingSpeed,
  type Measured,
  pictureSpeeds,
  reportSamples,
  searchPictures,
  totalOf,
} from '../evaluation/index.js'
import { type Model, OpenModels } from '../model/index.js'
import { type Allotment, presetOf, type RunPlan, soonerThan, trainableSize } from '../training/index.js'
import type { RunSettings } from './run-settings.js'
import { say, warn } from './terminal.js'

/** Seconds since the command was given. */
export const elapsed = (): number => performance.now() / 1000

/** Share of the time that is kept for the last checkpoint, for samples, and for writing the model. */
const FINISHING = 0.03
/** Least share of the time that the training gets. */
const LEAST_TRAINING = 0.25
/** A run longer than asked by more than this factor gets a warning. */
const TOO_LONG = 1.15
/** Trainings of fewer seconds get no plan. */
const SHORT = 20

/** Seconds of a report if no minutes were given: a fifth of the training's, and at least two minutes. */
export const reportSeconds = (training: number): number => Math.max(LEAST_REPORT, REPORT_SHARE * training)
export const LEAST_REPORT = 120
const REPORT_SHARE = 0.2

/** What a run measures beside its training. */
export const measuredOf = (
  dataset: Dataset,
  { checks = 0, tune, tuneSampling, report, path, objective, samples }: RunSettings,
): Measured => ({
  count: dataset.count,
  size: sizeOf(dataset),
  checks,
  tune: tune !== false && tuneSampling !== undefined,
  report: report !== undefined,
  taught: path !== undefined,
  shares: objective.flow_map !== true,
  samples,
})

/**
 * Shares out the minutes of a run, and prints how. For a run of so many images, prints only an estimate.
 *
 * @param step_seconds what a step of the training takes; `model` is the student as it begins.
 */
export const shareOut = async (
  step_seconds: number,
  model: Model,
  plan: RunPlan,
  dataset: Dataset,
  settings: RunSettings,
): Promise<Allotment | undefined> => {
  const asked = measuredOf(dataset, settings)
  const training = plan.images === null ? undefined : secondsOf(plan.images, step_seconds, plan)
  if (plan.images !== null) sayIfFew(plan.images, () => undefined, plan, dataset, settings)
  if (training !== undefined && training < SHORT) return undefined
  const measures = asked.checks > 0 || asked.tune || asked.report
  const speeds = measures
    ? {
        step: step_seconds,
        ...(await speedsWith(settings, dataset, model)),
        feature_step: await featureTrainingSpeed(dataset),
      }
    : { step: step_seconds, student: 0, teacher: 0, feature: 0, feature_step: 0, opening: 0, products: 1 }
  if (training !== undefined) {
    const whole = costsOf(FULL_EFFORT, speeds, asked)
    const isLimited = asked.samples === undefined
    const costs = isLimited ? { ...whole, report: Math.min(whole.report, reportSeconds(training)) } : whole
    say(`about ${spoken(training + totalOf(costs))}: ${partsOf(training, costs)} (an estimate)`)
    return undefined
  }
  const total = 60 * plan.minutes!
  const left = total * (1 - FINISHING) - elapsed()
  const effort = measures ? effortWithin(left, speeds, asked) : FULL_EFFORT
  const costs = costsOf(effort, speeds, asked)
  const rest = Math.max(left - totalOf(costs), LEAST_TRAINING * total)
  say(`${spoken(total)}: about ${partsOf(rest, costs)}`)
  const foreseen = ((0.9 * rest) / step_seconds) * plan.batch
  const withAll = (images: number) =>
    (elapsed() + secondsOf(images, step_seconds, plan) + totalOf(costs)) / (1 - FINISHING)
  sayIfFew(foreseen, withAll, plan, dataset, settings)
  const samples = samplesOf(effort, asked)
  if (samples) say(samples)
  const lacking = lackingOf(effort, asked)
  if (lacking) warn(`${spoken(total)} ${lacking}`)
  const needed = elapsed() + rest + totalOf(costs)
  if (needed > TOO_LONG * total)
    warn(
      `reading the pictures${measures ? ' and the least that is measured' : ''} takes longer: it will be about ${spoken(needed)}`,
    )
  return {
    training: rest,
    checks: Math.min(effort.checks, asked.checks),
    effort: { ...effort, report_seconds: costs.report },
  }
}

/** Seconds of a training. A tenth of the time goes to batches, checkpoints and the optimiser. */
const secondsOf = (images: number, step_seconds: number, { batch }: Pick<RunPlan, 'batch'>): number =>
  (images / batch / 0.9) * step_seconds

/**
 * Warns if a network that begins fresh will see too few pictures to paint more than noise, and says what to do.
 *
 * @param withAll seconds of a run of so many pictures, where its length is in minutes.
 */
const sayIfFew = (
  foreseen: number,
  withAll: (images: number) => number | undefined,
  { command, preset }: Pick<RunPlan, 'command' | 'preset'>,
  dataset: Pick<Dataset, 'height' | 'width'>,
  { initFrom }: Pick<RunSettings, 'initFrom'>,
): void => {
  if (command !== 'train' || initFrom) return
  const { least_images: least = 0 } = presetOf(preset)
  if (foreseen >= least) return
  const seconds = withAll(least)
  const smaller = soonerThan(preset)
  const ways = [
    seconds === undefined ? `--images ${least}` : `--minutes ${Math.ceil(seconds / 60)}`,
    ...(smaller === undefined ? [] : [`--preset ${smaller}`]),
    ...(seconds !== undefined && Math.min(dataset.height, dataset.width) > SMALL_SIDE
      ? [`--resolution ${sizeOption(reduced(dataset))}`]
      : []),
  ]
  warn(
    `the network will see about ${plain(foreseen)} pictures (repeats count), and before ${plain(least)} preset ${preset} paints noisy blobs: give it ${ways.join(', or ')}`,
  )
}

/** A side at which a network sees several times as many pictures in the same time as at 32. */
const SMALL_SIDE = 16

/** Pictures of about these proportions with such a side. */
const reduced = (size: PictureSize): PictureSize =>
  trainableSize(scaledBy(size, SMALL_SIDE / Math.min(size.height, size.width)))

/** Two digits of a number of pictures. */
const plain = (images: number): string => Number(images.toPrecision(2)).toLocaleString('en')

const speedsWith = ({ path }: RunSettings, dataset: Dataset, student: Model) =>
  OpenModels.during((models) =>
    pictureSpeeds({
      dataset,
      student,
      ...(path && { teacher: models.of(path.teacher), guidance_scale: path.guidance_scale }),
    }),
  )

/** `5 min training, 60 s checks, 60 s search for noise levels, 50 s report`. */
const partsOf = (training: number, costs: Costs): string =>
  [
    [training, 'training'],
    [costs.features, 'a feature network'],
    [costs.checks, 'checks'],
    [costs.search, 'search for noise levels'],
    [costs.report, 'report'],
  ]
    .filter(([seconds]) => (seconds as number) > 0)
    .map(([seconds, what]) => `${spoken(seconds as number)} ${what}`)
    .join(', ')

/** Says by how many of the pictures a large set is judged. */
const samplesOf = (effort: Effort, { count, checks, tune, report }: Measured): string | undefined => {
  const parts: string[] = []
  const few = (pictures: number, what: string) => {
    if (pictures > 0 && pictures < count) parts.push(`${what} by ${pictures.toLocaleString('en')}`)
  }
  if (effort.feature_steps > 0 && effort.checks > 0 && checks > 0)
    few(CHECK_SEEDS.length * effort.check_pictures, 'checks')
  if (effort.feature_steps > 0 && tune) few(searchPictures(effort, count), 'the search')
  if (report) few(effort.report_real, 'the report')
  return parts.length > 0
    ? `samples of the ${count.toLocaleString('en')} pictures judge: ${parts.join(', ')}`
    : undefined
}

/** The parts for which there is no time; undefined if every part is done, if with fewer pictures. */
const lackingOf = (effort: Effort, asked: Measured): string | undefined => {
  const without: string[] = []
  const judged = effort.feature_steps > 0
  if (asked.checks > 0 && (!judged || effort.checks === 0)) without.push('checks')
  if (asked.tune && (!judged || effort.search_pictures === 0)) without.push('a search for noise levels')
  const report = asked.report ? `; the report has ${reportSamples(effort, asked)} pictures a row` : ''
  return without.length > 0 ? `are too short for ${without.join(' and ')}${report}` : undefined
}

/** `8 min`, `50 s`, `1 h 20 min`. */
const spoken = (seconds: number): string => {
  if (seconds < 100) return `${Math.max(1, Math.round(seconds))} s`
  const minutes = Math.round(seconds / 60)
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60]
  if (hours === 0) return `${minutes} min`
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`
}
