/** The training loop, the same for teacher and student. The objective is an argument. */
import type { NoiseRange } from '@onestroke/core/diffusion'
import { UserError } from '@onestroke/core/errors'
import type { DeviceArray, Executable } from '@onestroke/core/tensor'
import { BANDS, bandName, bandOf } from './bands.js'
import type { BatchSlice } from './batch.js'
import type { AnyBatch, AnyBatchPlan } from './batches.js'
import type { Group, Share } from './group.js'
import { Prefetch } from './prefetch.js'
import { emaDecay, learningRate, type ScheduleOptions } from './schedule.js'
import { freshPending, type Progress } from './state.js'
import type { Update } from './update.js'

/** Pictures between two lines of the log. */
const LOG_IMAGES = 4096
/** Most pictures that are listed of those left out. */
const QUARANTINE = 100
/** So many steps without a finite gradient in a row end the training. */
const MAX_SKIPPED = 20

/** The optimisers, graphs and ranks of a training. */
export interface Training {
  /**
   * Trains the student, and `own` with it, unless that has steps of its own. Its state are the arrays of the optimisers; see
   * `stepState`.
   */
  readonly step: Executable
  readonly optimizer: Update
  /** What the objective trains beside the student. */
  readonly own?: OwnTraining
  /** Which pictures of a batch are computed here. */
  readonly share: Share
}

export interface LoopOptions extends Training {
  readonly schedule: ScheduleOptions
  /** Share of the optimiser's target that stays over a step, by progress. */
  target_ema?(progress: number): number
  readonly plan: AnyBatchPlan
  readonly progress: Progress
  /** Asked before each step; true, on any rank, ends the loop early. */
  shouldStop?(): boolean
  /** Called after each step, on every rank, with the seconds that the graph and the whole step took. Awaited. */
  onStep?(event: StepEvent): void | Promise<void>
}

export interface OwnTraining {
  readonly optimizer: Update
  /** So many steps of its own, by their own graph, come before each of the student's. */
  readonly steps?: { readonly updates: number; readonly step: Executable }
}

export interface StepEvent {
  readonly images: number
  readonly loss: number
  readonly gradient_norm: number
  readonly graph_seconds: number
  readonly step_seconds: number
  /** Norm of the gradient of this step's pictures of each band alone, at the weights as they are now. Every rank must ask. */
  gradientNorms(): Promise<(number | null)[]>
}

/** Trains until all pictures are seen, or until told to stop. Returns whether it got to the end. */
export const trainingLoop = async (options: LoopOptions): Promise<boolean> => {
  const { optimizer, share, schedule, plan, progress } = options
  const steps = Math.ceil(plan.images / plan.batch)
  if (progress.step >= steps) return true
  const { range } = plan
  const prefetch = new Prefetch(plan, share, progress.step)
  let skippedInARow = 0
  let quarantinedInARow = 0
  try {
    while (progress.step < steps) {
      if (!(await share.group.all(options.shouldStop?.() !== true))) return false
      const begin = performance.now()
      const batch = await prefetch.get(progress.step)
      const turn = turnAt(progress.step + 1, options)
      const graphBegin = performance.now()
      let result = await runStep(turn, batch, share)
      const mended = !Number.isFinite(result.loss) && quarantine(batch, result, progress, share)
      quarantinedInARow = mended ? quarantinedInARow + 1 : 0
      if (quarantinedInARow >= MAX_SKIPPED)
        throw diverged(`pictures had to be left out in ${MAX_SKIPPED} steps in a row`, progress, range)
      if (mended) result = await runStep(turn, batch, share)
      const graph_seconds = (performance.now() - graphBegin) / 1000
      const { loss, gradient_norm, finite } = result
      progress.step++
      const images = progress.step * plan.batch
      if (finite) {
        const rate = learningRate((progress.step - 0.5) / steps, schedule)
        const decay = emaDecay(images, plan.batch * turn.every, schedule)
        for (const [i, one] of turn.trained.entries())
          await one.step(turn.count, rate, decay, result.gradient_norms[i]!)
        if (options.target_ema) await optimizer.updateTarget(options.target_ema(progress.step / steps))
        skippedInARow = 0
        if (turn.students) record(progress, result, range)
        else recordOwn(progress, loss)
        if (pendingSteps(progress) * plan.batch >= LOG_IMAGES) closeLog(progress, plan.batch, rate)
      } else {
        progress.skipped_steps++
        skippedInARow++
        if (skippedInARow >= MAX_SKIPPED)
          throw diverged(
            `the gradient was not finite in ${MAX_SKIPPED} steps in a row, the last of them step ${progress.step}`,
            progress,
            range,
          )
      }
      const step_seconds = (performance.now() - begin) / 1000
      progress.seconds += step_seconds
      await options.onStep?.({
        images,
        loss,
        gradient_norm,
        graph_seconds,
        step_seconds,
        gradientNorms: () => gradientNorms(batch, result, range, options),
      })
      prefetch.recycle(batch)
    }
    closeLog(progress, plan.batch, learningRate(1, schedule))
    return true
  } finally {
    await prefetch.close()
  }
}

/** The results of a step for the whole batch, equal on every rank: numbers, some of them per picture. */
export interface StepResult {
  readonly loss: number
  /** Norms of the gradients of all that is trained, and the first of them. */
  readonly gradient_norms: readonly number[]
  readonly gradient_norm: number
  /** Whether loss and norms are. */
  readonly finite: boolean
  /** Loss, noise level and weight of each picture: [B]. */
  readonly losses: Float32Array
  readonly t: Float32Array
  readonly weight: Float32Array
}

/** The arrays that the graphs of a training read and write, by the names that they have there. */
export const stepState = (optimizer: Update, own?: Update): Record<string, DeviceArray> => {
  const { parameters, gradient, target } = optimizer.state
  const state: Record<string, DeviceArray> = { parameters, gradient }
  // A graph has these inputs only for such objectives, and refuses others.
  if (target) state.target = target
  if (own) {
    state.own = own.state.parameters
    state.own_gradient = own.state.gradient
  }
  return state
}

/** Runs a turn's graph at the parameters as they are; the gradients, summed over all ranks, come to lie with the optimisers. */
export const runStep = async (
  { executable, trained }: Pick<Turn, 'executable' | 'trained'>,
  batch: AnyBatch,
  { group, from, of }: Share,
): Promise<StepResult> => {
  const { t, weight } = batch
  /** The loss, and three numbers a picture. Other ranks' places hold −0, which changes no sum. */
  const told = new Float32Array(1 + 3 * of).fill(-0)
  const [losses, levels, weights] = [0, 1, 2].map((i) => told.subarray(1 + i * of, 1 + (i + 1) * of)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ]
  levels.set(t, from)
  weights.set(weight, from)
  // Where no picture counts, all that comes out is 0, also if what lies there is not finite.
  if (weight.every((one) => one === 0))
    for (const { state, size } of trained) await state.gradient.write(new Float32Array(size))
  else {
    const result = await executable.run({ ...batch })
    told[0] = result.loss![0]!
    losses.set(result.losses!, from)
  }
  await group.sum(told)
  for (const { state } of trained) await sumOver(group, state.gradient)
  const gradient_norms: number[] = []
  for (const one of trained) gradient_norms.push(await one.gradientNorm())
  const loss = told[0]!
  return {
    loss,
    gradient_norms,
    gradient_norm: gradient_norms[0]!,
    finite: [loss, ...gradient_norms].every(Number.isFinite),
    losses,
    t: levels,
    weight: weights,
  }
}

const sumOver = async (group: Group, array: DeviceArray): Promise<void> => {
  if (group.size === 1) return
  const values = await array.read()
  await group.sum(values)
  await array.write(values)
}

/** What one step does. */
export interface Turn {
  readonly executable: Executable
  readonly trained: readonly Update[]
  readonly students: boolean
  /** Which one it is among those of its kind, from 1. */
  readonly count: number
  /** One of the student's comes every so many steps. */
  readonly every: number
}

/** Step number `step`, from 1: the student's, which comes after those of the objective's own part, or one of them. */
export const turnAt = (step: number, { step: executable, optimizer, own }: Training): Turn => {
  if (!own?.steps) {
    const trained = own ? [optimizer, own.optimizer] : [optimizer]
    return { executable, trained, students: true, count: step, every: 1 }
  }
  const every = own.steps.updates + 1
  const students = Math.floor(step / every)
  return step % every === 0
    ? { executable, trained: [optimizer], students: true, count: students, every }
    : { executable: own.steps.step, trained: [own.optimizer], students: false, count: step - students, every }
}

/**
 * Takes the pictures whose loss is not finite out of a batch: their weight becomes 0, and their place a copy of another
 * picture, for 0 times NaN is NaN. Returns whether there is something left to learn from, on any rank.
 */
const quarantine = (
  batch: AnyBatch,
  { losses, t, weight }: StepResult,
  progress: Progress,
  { from, to }: Share,
): boolean => {
  if (!losses.some(Number.isFinite)) return false
  for (const [index, loss] of losses.entries()) {
    if (Number.isFinite(loss)) continue
    weight[index] = 0
    progress.quarantined++
    progress.quarantine = [
      ...progress.quarantine.slice(1 - QUARANTINE),
      { step: progress.step, index, sigma: t[index]! },
    ]
  }
  const mine = losses.subarray(from, to)
  const good = mine.findIndex(Number.isFinite)
  for (const [i, loss] of mine.entries()) {
    if (Number.isFinite(loss) || good < 0) continue
    for (const array of Object.values(batch) as Float32Array[]) {
      const size = array.length / mine.length
      if (size >= 1) array.copyWithin(i * size, good * size, (good + 1) * size)
    }
  }
  weigh(batch, weight, { from, to })
  return true
}

/** Sets the weights of the pictures of a batch: [B], of the whole batch. */
const weigh = (
  { weight, total_weight }: Pick<AnyBatch, 'weight' | 'total_weight'>,
  all: Float32Array,
  { from, to }: BatchSlice,
): void => {
  weight.set(all.subarray(from, to))
  total_weight[0] = all.reduce((sum, one) => sum + one, 0)
}

const gradientNorms = async (
  batch: AnyBatch,
  { t, weight }: StepResult,
  range: NoiseRange | undefined,
  training: Training,
): Promise<(number | null)[]> => {
  const { step: executable, optimizer, share } = training
  if (!range) return Array<null>(BANDS).fill(null)
  const norms: (number | null)[] = []
  for (let band = 0; band < BANDS; band++) {
    const inBand = weight.map((one, i) => (bandOf(t[i]!, range) === band ? one : 0))
    if (inBand.every((one) => one === 0)) norms.push(null)
    else {
      const part = { ...batch, weight: batch.weight.slice(), total_weight: new Float32Array(1) }
      weigh(part, inBand, share)
      const { gradient_norm } = await runStep({ executable, trained: [optimizer] }, part, share)
      norms.push(Number.isFinite(gradient_norm) ? gradient_norm : null)
    }
  }
  return norms
}

/** The error when no finite number is left. The state on disk is still good. */
export const diverged = (what: string, progress: Progress, range: NoiseRange | undefined): UserError =>
  new UserError(`the training has diverged: ${[what, ...symptoms(progress, range)].join('; ')}`, {
    remedy: 'start over with `force` and a lower `learning_rate`; the last good state is kept until then',
  })

/** The symptoms before a divergence that the log shows, in words. */
const symptoms = ({ log, quarantined, quarantine }: Progress, range: NoiseRange | undefined): string[] => {
  const said: string[] = []
  const [first, last] = [log.at(-10) ?? log[0], log.at(-1)]
  if (first && last && last.gradient_norm > 3 * first.gradient_norm)
    said.push(
      `the gradient norm had grown from ${short(first.gradient_norm)} to ${short(last.gradient_norm)} over the last ${last.images - first.images} pictures`,
    )
  if (first && last && range) {
    const growth = last.bands.map((now, i) => (now ?? 0) / (first.bands[i] || Number.POSITIVE_INFINITY))
    const band = growth.indexOf(Math.max(...growth))
    if (growth[band]! > 1.5) said.push(`the loss grew most at ${bandName(band, range)}`)
  }
  if (quarantined > 0)
    said.push(
      `${quarantined} pictures had been left out, the last at step ${quarantine.at(-1)!.step}, σ ${short(quarantine.at(-1)!.sigma)}`,
    )
  return said
}

const short = (value: number): string => String(Number(value.toPrecision(2)))

const record = (
  { pending }: Progress,
  { loss, losses, t, weight, gradient_norm }: StepResult,
  range: NoiseRange | undefined,
) => {
  pending.steps++
  pending.loss += loss
  pending.gradient_norm += gradient_norm
  if (!range) return
  for (const [i, value] of losses.entries()) {
    if (weight[i] === 0) continue
    const band = pending.bands[bandOf(t[i]!, range)]!
    band[0] += value
    band[1]++
  }
}

const recordOwn = ({ pending }: Progress, loss: number) => {
  const { steps, loss: sum } = pending.own ?? { steps: 0, loss: 0 }
  pending.own = { steps: steps + 1, loss: sum + loss }
}

const pendingSteps = ({ pending: { steps, own } }: Progress): number => steps + (own?.steps ?? 0)

/** Adds the pending sums as a line of the log, if there was a step of the student. */
const closeLog = (progress: Progress, batch: number, learning_rate: number) => {
  const { pending, log } = progress
  if (pending.steps === 0) return
  log.push({
    images: progress.step * batch,
    loss: pending.loss / pending.steps,
    gradient_norm: pending.gradient_norm / pending.steps,
    learning_rate,
    bands: pending.bands.map(([sum, count]) => (count > 0 ? sum / count : null)),
    ...(pending.own && { own_loss: pending.own.loss / pending.own.steps }),
  })
  progress.pending = freshPending()
}
