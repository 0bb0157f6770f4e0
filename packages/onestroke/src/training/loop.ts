/** The training loop: one for teacher and student. What is minimised is a value that it is handed. */
import { UserError } from '@onestroke/core/formats'
import type { Executable } from '@onestroke/core/tensor'
import type { BatchPlan } from './batch.js'
import type { Optimizer } from './optimizer.js'
import { Prefetch } from './prefetch.js'
import { emaDecay, learningRate, type ScheduleOptions } from './schedule.js'
import type { Progress } from './state.js'

/** Pictures between two lines of the log. */
const LOG_IMAGES = 4096
/** So many steps without a finite gradient in a row end the training. */
const MAX_SKIPPED = 20

export interface LoopOptions {
  readonly step: Executable
  readonly optimizer: Optimizer
  readonly schedule: ScheduleOptions
  readonly plan: BatchPlan
  readonly progress: Progress
  /** Asked before each step; true ends the loop early. */
  shouldStop?(): boolean
  /** Called after each step, with the seconds that the graph and the whole step took. Awaited. */
  onStep?(event: StepEvent): void | Promise<void>
}

export interface StepEvent {
  readonly images: number
  readonly loss: number
  readonly gradient_norm: number
  readonly graph_seconds: number
  readonly step_seconds: number
}

/** Trains until all pictures are seen, or until told to stop. Returns whether it got to the end. */
export const trainingLoop = async (options: LoopOptions): Promise<boolean> => {
  const { step: executable, optimizer, schedule, plan, progress } = options
  const steps = Math.ceil(plan.images / plan.batch)
  if (progress.step >= steps) return true
  const prefetch = new Prefetch(plan, progress.step)
  let skippedInARow = 0
  try {
    while (progress.step < steps) {
      if (options.shouldStop?.()) return false
      const begin = performance.now()
      const batch = await prefetch.get(progress.step)
      const graphBegin = performance.now()
      const { parameters, gradient } = optimizer
      const { loss } = await executable.run({ parameters, ...batch }, { gradient })
      const graph_seconds = (performance.now() - graphBegin) / 1000
      prefetch.recycle(batch)
      const gradient_norm = optimizer.gradientNorm()
      progress.step++
      const images = progress.step * plan.batch
      if (Number.isFinite(gradient_norm) && Number.isFinite(loss![0]!)) {
        const rate = learningRate((progress.step - 0.5) / steps, schedule)
        optimizer.step(progress.step, rate, emaDecay(images, plan.batch, schedule), gradient_norm)
        skippedInARow = 0
        record(progress, plan.batch, loss![0]!, gradient_norm, rate)
      } else {
        progress.skipped_steps++
        skippedInARow++
        if (skippedInARow >= MAX_SKIPPED)
          throw diverged(
            `the gradient was not finite in ${MAX_SKIPPED} steps in a row, the last of them step ${progress.step}`,
          )
      }
      const step_seconds = (performance.now() - begin) / 1000
      progress.seconds += step_seconds
      await options.onStep?.({ images, loss: loss![0]!, gradient_norm, graph_seconds, step_seconds })
    }
    closeLog(progress, plan.batch, learningRate(1, schedule))
    return true
  } finally {
    await prefetch.close()
  }
}

/** What is said when no finite number is left. Whatever is on disk was good. */
export const diverged = (what: string): UserError =>
  new UserError(`the training has diverged: ${what}`, {
    remedy: 'start over with --force and a lower --learning-rate; the last good state is kept until then',
  })

const record = (
  progress: Progress,
  batch: number,
  loss: number,
  gradient_norm: number,
  learning_rate: number,
) => {
  const { pending } = progress
  pending.steps++
  pending.loss += loss
  pending.gradient_norm += gradient_norm
  if (pending.steps * batch >= LOG_IMAGES) closeLog(progress, batch, learning_rate)
}

/** Makes a line of the log of what is pending, if anything is. */
const closeLog = (progress: Progress, batch: number, learning_rate: number) => {
  const { pending, log } = progress
  if (pending.steps === 0) return
  log.push({
    images: progress.step * batch,
    loss: pending.loss / pending.steps,
    gradient_norm: pending.gradient_norm / pending.steps,
    learning_rate,
  })
  progress.pending = { steps: 0, loss: 0, gradient_norm: 0 }
}
