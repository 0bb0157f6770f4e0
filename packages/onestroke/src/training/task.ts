/** A run from start, or from where it stopped, to its finished folder: whatever is trained. */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { NoiseRange, Part } from '@onestroke/core/diffusion'
import type { Trainable } from '@onestroke/core/nn'
import type { Program, Runtime } from '@onestroke/core/tensor'
import { PREVIOUS_STATE_FILE, STATE_FILE } from '../run-files.js'
import { readArrays, type Trained, writeArrays } from './arrays.js'
import type { AnyBatchPlan } from './batches.js'
import { settledImages, stepSeconds } from './calibrate.js'
import { bestOf, earlierIsBetter, isCheck } from './checks.js'
import { ALONE, broadcast, type Group, shared, shareOf } from './group.js'
import { diverged, type StepEvent, stepState, type Training, trainingLoop } from './loop.js'
import { checkMemory } from './memory.js'
import type { TrainingArrays } from './optimizer.js'
import type { TaskPlan } from './plan.js'
import { optimizerFor } from './program-optimizer.js'
import {
  type Allotment,
  type Check,
  freshProgress,
  loadState,
  namedArrays,
  type Progress,
  saveState,
} from './state.js'

/** A step of what is trained, and one of its own part, where that has separate steps. */
export type StepPrograms = readonly [step: Program] | readonly [step: Program, own: Program]

/** What is trained, and into what: all that a run must know of it. */
export interface Task<Model extends { release(): Promise<void> }, Saved> {
  readonly plan: TaskPlan
  readonly trainable: Trainable
  /** What is trained beside it. */
  readonly part?: Part
  /** Noise levels, by which losses are told apart; absent where a batch has none. */
  readonly range?: NoiseRange
  /** Share of a moving average, which gives targets, that stays over a step, by progress in [0, 1). */
  target_ema?(progress: number): number
  programs(batch: number): StepPrograms
  /** What a program takes that never changes. */
  constants(program: Program): Record<string, Float32Array>
  /** @param images pictures in the whole training. */
  batches(images: number): AnyBatchPlan
  /** Sets the first parameters. */
  begin(arrays: TrainingArrays): void
  /** What can be measured and shown on the way. The weights may change under it. */
  open(weights: Float32Array, progress: Progress): Model
  /** Writes the finished folder. */
  finish(weights: Float32Array, progress: Progress): Promise<Saved>
}

export interface TaskOptions<Model> {
  /** Folder of the run, in which the first rank writes the state and finally the model. Other ranks write nothing. */
  readonly directory: string
  /** The group that trains together; by default this process alone. Callbacks such as `allot` and `check` are called on the first rank. */
  readonly group?: Group
  readonly runtime: Runtime
  /** Seconds between checkpoints. */
  readonly checkpoint_every: number
  /** Called before each step on every rank. If it returns true on one rank, all stop. */
  shouldStop?(): boolean
  /**
   * Asked before the first step, given the seconds that a step takes and the model as it begins: how the time is shared
   * out. Where the plan has minutes, it is asked once, and the answer is kept in the state. Where it has images, the
   * answer must be undefined.
   */
  allot?(step_seconds: number, model: Model): Promise<Allotment | undefined>
  /** Called on every rank when the training is about to begin, or to go on; all that it needs for that is on disk. Awaited. */
  onStart?(progress: Progress): void | Promise<void>
  /** Called after each step, on every rank. */
  onStep?(event: StepEvent, progress: Progress): void
  /** Called when a checkpoint is on disk, with a model that reads the moving average of the weights. */
  onCheckpoint?(model: Model, progress: Progress): Promise<void>
  /**
   * Asked `plan.checks` times on the way, or as often as was allotted: how good the model is by now. Must depend on the
   * model alone, and measure from the same noise seeds each time.
   */
  check?(model: Model): Promise<Pick<Check, 'fid' | 'scores' | 'teacher_distance'>>
  /** Called after each check. */
  onCheck?(check: Check): void
}

export interface TaskResult<Saved> {
  readonly finished: boolean
  readonly progress: Progress
  /** What `Task.finish` returned; absent if the run was stopped. */
  readonly saved?: Saved
}

type AnyTask = Task<{ release(): Promise<void> }, unknown>

/** A training of more seconds than this is timed again after this share of it. */
const [LONG, TIMED_AFTER] = [20, 0.25]
/**
 * Checks, before anything is written, whether a task can be done at all.
 *
 * @throws UserError if it takes more memory than there is, or cannot be shared by a group.
 */
export const checkTask = (
  { plan, programs }: Pick<AnyTask, 'plan' | 'programs'>,
  group: Group = ALONE,
): void => {
  shareOf(group, plan.batch)
  checkMemory(plan.batch, (batch) => programs(Math.ceil(batch / group.size)))
}

/** Trains what a task says. Saves its state at intervals, and when it is stopped. */
export const runTask = async <Model extends { release(): Promise<void> }, Saved>(
  task: Task<Model, Saved>,
  options: TaskOptions<Model>,
): Promise<TaskResult<Saved>> => {
  const { directory, runtime, group = ALONE } = options
  const { plan, trainable, part } = task
  const optimizer = await optimizerFor(trainable.layout, plan.optimizer, runtime, {
    target: task.target_ema !== undefined,
  })
  /** The moving average of what is trained. */
  const { ema } = optimizer.state
  const own = part && { part, optimizer: await optimizerFor(part.layout, plan.optimizer, runtime) }
  const best = plan.checks > 0 ? new Float32Array(trainable.layout.size) : undefined
  const trained: Trained = { optimizer, own, best }
  const share = shareOf(group, plan.batch)
  const arrays = await readArrays(trained)
  const progress = await shared(
    group,
    async () => (await loadState(directory, arrays)) ?? freshState(task, arrays),
  )
  for (const [, array] of namedArrays(arrays)) await broadcast(group, array)
  await writeArrays(trained, arrays)
  const save = () => shared(group, async () => saveState(directory, await readArrays(trained), progress))
  /** What the first rank was given decides for all of them. */
  const [asks, measures] = await shared(group, () => [
    options.allot !== undefined,
    options.check !== undefined,
  ])
  const state = stepState(optimizer, own?.optimizer)
  const [program, ownProgram] = task.programs(share.to - share.from)
  const constants = task.constants(program)
  const step = await runtime.compile(program, { constants, state })
  const ownStep =
    ownProgram && (await runtime.compile(ownProgram, { constants: task.constants(ownProgram), state }))
  const release = async () => {
    await step.release()
    await ownStep?.release()
    await optimizer.release()
    await own?.optimizer.release()
  }
  const training: Training = {
    step,
    optimizer,
    share,
    ...(own && {
      own: {
        optimizer: own.optimizer,
        ...(ownStep && { steps: { updates: own.part.updates!, step: ownStep } }),
      },
    }),
  }
  const allFinite = async () => (await optimizer.isFinite()) && ((await own?.optimizer.isFinite()) ?? true)
  /** Calls `work` with the current model, whose weights are the moving average. */
  const withModel = async <T>(work: (model: Model) => Promise<T>): Promise<T> => {
    const model = task.open(trainable.weights(await ema.read()), progress)
    const done = await work(model)
    await model.release()
    return done
  }
  const shouldStop = () => options.shouldStop?.() === true
  /** Whether any rank is told to stop. */
  const isStopped = async () => !(await group.all(!shouldStop()))
  if (progress.images === 0 || (asks && plan.images !== null && progress.step === 0)) {
    const seconds = await stepSeconds(program, { ...constants, ...state }, training, shouldStop)
    if (seconds === undefined) {
      await save()
      await release()
      return { finished: false, progress }
    }
    const time = await shared(group, () => withModel(async (model) => options.allot?.(seconds, model)))
    if (progress.images === 0) {
      // A tenth of the time is left for batches, checkpoints and the optimiser.
      const steps = (0.9 * (time?.training ?? 60 * plan.minutes!)) / seconds
      progress.images = Math.max(1, Math.round(steps)) * plan.batch
      if (time) progress.time = { ...time, settled: time.training < LONG }
      // Saved at once, because the length decides all that follows, and another timing would give another length.
      await save()
    }
  }
  const checkpoint = async () => {
    await save()
    const { onCheckpoint } = options
    await shared(group, async () => {
      if (onCheckpoint) await withModel((model) => onCheckpoint(model, progress))
    })
  }
  const checks = Math.min(plan.checks, progress.time?.checks ?? plan.checks)
  const check = async ({ gradientNorms, images }: StepEvent) => {
    if (!measures) return
    const found = await shared(group, () => withModel((model) => options.check!(model)))
    const { scores } = found
    const score = Math.exp(scores.reduce((sum, one) => sum + Math.log(one), 0) / scores.length)
    const one: Check = { images, score, ...found, gradient_norm: await gradientNorms() }
    progress.checks.push(one)
    if (bestOf(progress.checks) === one) best!.set(await ema.read())
    if (group.rank === 0) options.onCheck?.(one)
  }
  await options.onStart?.(progress)
  let saved = performance.now()
  const begin = saved
  /** Seconds of earlier sittings. */
  const before = progress.seconds
  /** Milliseconds since the process began that were spent on checks. */
  let checking = 0
  /** Trains to the end of the plan, or, if that comes first, until so many steps are done. */
  const train = (until = Number.POSITIVE_INFINITY) =>
    trainingLoop({
      ...training,
      progress,
      schedule: {
        ...plan.schedule,
        ema_half_life: plan.schedule.ema_half_life ?? Math.max(2000, progress.images / 50),
      },
      plan: task.batches(progress.images),
      ...(task.target_ema && { target_ema: (done) => task.target_ema!(Math.min(done, 1 - 1e-9)) }),
      shouldStop: () => progress.step >= until || shouldStop(),
      onStep: async (event) => {
        options.onStep?.(event, progress)
        const steps = Math.ceil(progress.images / plan.batch)
        // A training that was lengthened on the way passes some places twice; the last check is always made.
        const isAllowed = progress.step === steps || progress.checks.length < checks - 1
        if (isAllowed && isCheck(progress.step, steps, checks) && (await allFinite())) {
          const asked = performance.now()
          await check(event)
          checking += performance.now() - asked
        }
        const isDue = await shared(group, () => performance.now() - saved >= options.checkpoint_every * 1000)
        if (!isDue || !(await allFinite())) return
        await checkpoint()
        saved = performance.now()
      },
    })
  if (progress.time?.settled === false) {
    await train(Math.ceil((TIMED_AFTER * progress.images) / plan.batch))
    if (!(await isStopped()) && (await allFinite())) {
      const spent = before + (performance.now() - begin - checking) / 1000
      const left = progress.time.training - spent
      progress.images = await shared(group, () =>
        settledImages(progress, plan.batch, left / (spent / progress.step)),
      )
      progress.time.settled = true
      // Saved at once, for the same reason.
      await save()
    }
  }
  const finished = await train()
  if (!(await allFinite())) {
    await release()
    throw diverged(`the weights are not finite after step ${progress.step}`, progress, task.range)
  }
  // A stop may also have been asked for during the check after the last step.
  if ((await isStopped()) || !finished) {
    await save()
    await release()
    return { finished: false, progress }
  }
  await checkpoint()
  const weights = trainable.weights(earlierIsBetter(progress.checks) ? best! : await ema.read())
  await release()
  return shared(group, async () => {
    const saved = await task.finish(weights, progress)
    for (const name of [STATE_FILE, PREVIOUS_STATE_FILE]) await rm(join(directory, name), { force: true })
    return { finished, progress, saved }
  })
}

export const hasState = (directory: string): boolean => existsSync(join(directory, STATE_FILE))

const freshState = ({ plan, begin }: Pick<AnyTask, 'plan' | 'begin'>, arrays: TrainingArrays): Progress => {
  begin(arrays)
  return freshProgress(plan.images ?? 0)
}
