/** A run from start, or from where it stopped, to a finished model folder. */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ModelConfig } from '@onestroke/core/formats'
import { networkLayout } from '@onestroke/core/nn'
import type { Runtime } from '@onestroke/core/tensor'
import { Model, saveModel } from '../model/index.js'
import { PREVIOUS_STATE_FILE, STATE_FILE } from '../run-files.js'
import { readArrays, type Trained, writeArrays } from './arrays.js'
import { settledImages, stepSeconds } from './calibrate.js'
import { bestOf, earlierIsBetter, isCheck } from './checks.js'
import { ALONE, broadcast, type Group, shared, shareOf } from './group.js'
import { batchPlan, constantsOf, type Job, type JobOptions, prepare, stepPrograms } from './job.js'
import { diverged, type StepEvent, stepState, type Training, trainingLoop } from './loop.js'
import { checkMemory } from './memory.js'
import { modelConfig } from './model-config.js'
import type { TrainingArrays } from './optimizer.js'
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

export interface RunOptions extends JobOptions {
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
  /** Called when the training is done. Returns how the model is best sampled. */
  tuneSampling?(model: Model, effort?: Allotment['effort']): Promise<Partial<ModelConfig['sampling']>>
}

export interface RunResult {
  readonly finished: boolean
  readonly progress: Progress
  readonly config: ModelConfig
  readonly sha256?: string
}

/** A training of more seconds than this is timed again after this share of it. */
const [LONG, TIMED_AFTER] = [20, 0.25]
/**
 * Checks, before anything is written, whether a run can work at all.
 *
 * @throws UserError if its network cannot be made, or begin as it should, or takes more memory than there is.
 */
export const checkRun = (options: JobOptions & Pick<RunOptions, 'group'>): void => {
  const job = prepare(options)
  const { group = ALONE, plan } = options
  shareOf(group, plan.batch)
  checkMemory(plan.batch, (batch) => stepPrograms(job, Math.ceil(batch / group.size)))
}

/** Trains the model of a plan. Saves its state at intervals, and when it is stopped. */
export const run = async (options: RunOptions): Promise<RunResult> => {
  const { directory, plan, runtime, group = ALONE } = options
  const job = prepare(options)
  const { objective, denoiser, trainable, part } = job
  const network = networkLayout(denoiser.network)
  const optimizer = await optimizerFor(trainable.layout, plan.optimizer, runtime, {
    target: objective.target_ema !== undefined,
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
    async () => (await loadState(directory, arrays)) ?? freshState(job, arrays),
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
  const [program, ownProgram] = stepPrograms(job, share.to - share.from)
  const constants = constantsOf(job, program)
  const step = await runtime.compile(program, { constants, state })
  const ownStep =
    ownProgram && (await runtime.compile(ownProgram, { constants: constantsOf(job, ownProgram), state }))
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
  const config = (): ModelConfig => modelConfig(job, progress)
  /** Calls `work` with the current model, whose weights are the moving average. */
  const withModel = async <T>(work: (model: Model) => Promise<T>): Promise<T> => {
    const model = new Model(config(), network, trainable.weights(await ema.read()), runtime, false)
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
      return { finished: false, progress, config: config() }
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
      plan: batchPlan(job, progress.images),
      ...(objective.target_ema && {
        target_ema: (done) => objective.target_ema!(Math.min(done, 1 - 1e-9), plan.method_options),
      }),
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
    throw diverged(`the weights are not finite after step ${progress.step}`, progress, denoiser)
  }
  // A stop may also have been asked for during the check after the last step.
  if ((await isStopped()) || !finished) {
    await save()
    await release()
    return { finished: false, progress, config: config() }
  }
  await checkpoint()
  const weights = trainable.weights(earlierIsBetter(progress.checks) ? best! : await ema.read())
  await release()
  return shared(group, async () => {
    const config = modelConfig(job, progress)
    const model = new Model(config, network, weights, runtime)
    const tuned = await options.tuneSampling?.(model, progress.time?.effort)
    await model.release()
    const final = { ...config, sampling: { ...config.sampling, ...tuned } }
    const { config: written, sha256 } = await saveModel(directory, final, weights)
    for (const name of [STATE_FILE, PREVIOUS_STATE_FILE]) await rm(join(directory, name), { force: true })
    return { finished, progress, config: written, sha256 }
  })
}

export const hasState = (directory: string): boolean => existsSync(join(directory, STATE_FILE))

/** Fresh weights, but for those that begin as another model's. */
const freshState = (
  { given: { plan, teacher }, trainable: { layout }, beginning, part }: Job,
  { parameters, ema, target, parts }: TrainingArrays,
): Progress => {
  parameters.set(layout.initialize(plan.seed))
  if (beginning) layout.adopt(parameters, beginning.model.layout, beginning.model.weights, beginning.from)
  ema.set(parameters)
  target?.set(parameters)
  if (part) {
    const { parameters } = parts![part.name]!
    parameters.set(part.layout.initialize(plan.seed))
    if (teacher && part.beginsAs)
      part.layout.adopt(parameters, teacher.layout, teacher.weights, part.beginsAs)
  }
  return freshProgress(plan.images ?? 0)
}
