/** A run from start, or from where it stopped, to a finished model folder. */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ModelConfig } from '@onestroke/core/formats'
import { type Layout, networkLayout } from '@onestroke/core/nn'
import type { Runtime } from '@onestroke/core/tensor'
import { Model, saveModel } from '../model/index.js'
import { settledImages, stepSeconds } from './calibrate.js'
import { bestOf, earlierIsBetter, isCheck } from './checks.js'
import { batchPlan, constantsOf, type Job, type JobOptions, prepare, stepPrograms } from './job.js'
import { diverged, type StepEvent, type Training, trainingLoop } from './loop.js'
import { checkMemory } from './memory.js'
import { modelConfig } from './model-config.js'
import { compileMuon } from './muon.js'
import { Optimizer, type TrainingArrays } from './optimizer.js'
import type { RunPlan } from './plan.js'
import {
  type Allotment,
  type Check,
  freshProgress,
  loadState,
  PREVIOUS_STATE_FILE,
  type Progress,
  STATE_FILE,
  saveState,
} from './state.js'

export interface RunOptions extends JobOptions {
  readonly directory: string
  readonly runtime: Runtime
  /** Seconds between checkpoints. */
  readonly checkpoint_every: number
  shouldStop?(): boolean
  /**
   * Asked before the first step, given the seconds that a step takes and the model as it begins: how the time is shared
   * out. Where the plan has minutes, it is asked once, and the answer is kept in the state. Where it has images, the
   * answer must be undefined.
   */
  allot?(step_seconds: number, model: Model): Promise<Allotment | undefined>
  /** Called when the training is about to begin, or to go on; all that it needs for that is on disk. Awaited. */
  onStart?(progress: Progress): void | Promise<void>
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
  /** Asked when the training is done: how the model is best sampled. */
  tuneSampling?(model: Model, effort?: Allotment['effort']): Promise<Partial<ModelConfig['sampling']>>
}

export interface RunResult {
  readonly finished: boolean
  readonly progress: Progress
  readonly config: ModelConfig
  readonly sha256?: string
}

/** A training of more seconds than this is timed anew on the way, after this share of it. */
const [LONG, TIMED_AFTER] = [20, 0.25]
/**
 * Whether a run can work at all, before anything is written.
 *
 * @throws UserError if its network cannot be made, or begin as it should, or takes more memory than there is.
 */
export const checkRun = (options: JobOptions): void => {
  const job = prepare(options)
  checkMemory(options.plan.batch, (batch) => stepPrograms(job, batch))
}

/** Trains the model of a plan. Saves its state every so often, and when it is stopped. */
export const run = async (options: RunOptions): Promise<RunResult> => {
  const { directory, plan, runtime } = options
  const job = prepare(options)
  const { objective, denoiser, trainable, part } = job
  const network = networkLayout(denoiser.network)
  const optimizer = await optimizerOf(trainable.layout, plan, runtime, objective.target_ema !== undefined)
  /** The moving average of what is trained. */
  const { ema } = optimizer
  const own = part && { part, optimizer: await optimizerOf(part.layout, plan, runtime) }
  const best = plan.checks > 0 ? new Float32Array(trainable.layout.size) : undefined
  const arrays: TrainingArrays = {
    ...optimizer,
    ...(best && { best }),
    ...(own && { parts: { [own.part.name]: own.optimizer } }),
  }
  const progress = (await loadState(directory, arrays)) ?? freshState(job, optimizer, own?.optimizer)
  const [program, ownProgram] = stepPrograms(job, plan.batch)
  const constants = constantsOf(job, program)
  const step = await runtime.compile(program, constants)
  const ownStep = ownProgram && (await runtime.compile(ownProgram, constantsOf(job, ownProgram)))
  const release = async () => {
    await step.release()
    await ownStep?.release()
    await optimizer.release()
    await own?.optimizer.release()
  }
  const training: Training = {
    step,
    optimizer,
    ...(own && {
      own: {
        optimizer: own.optimizer,
        ...(ownStep && { steps: { updates: own.part.updates!, step: ownStep } }),
      },
    }),
  }
  const allFinite = () => optimizer.isFinite() && (own?.optimizer.isFinite() ?? true)
  const config = (): ModelConfig => modelConfig(job, progress)
  /** The model as it is now, by the moving average of its weights. */
  const current = () => new Model(config(), network, trainable.weights(ema), runtime, false)
  const shouldStop = () => options.shouldStop?.() === true
  if (progress.images === 0 || (options.allot && plan.images !== null && progress.step === 0)) {
    const seconds = await stepSeconds(program, constants, training, shouldStop)
    if (seconds === undefined) {
      await saveState(directory, arrays, progress)
      await release()
      return { finished: false, progress, config: config() }
    }
    const model = current()
    const time = await options.allot?.(seconds, model)
    await model.release()
    if (progress.images === 0) {
      // A tenth of the time is left for batches, checkpoints and the optimiser.
      const steps = (0.9 * (time?.training ?? 60 * plan.minutes!)) / seconds
      progress.images = Math.max(1, Math.round(steps)) * plan.batch
      if (time) progress.time = { ...time, settled: time.training < LONG }
      // Kept at once: how long the training is decides all that follows, and another timing would give another number.
      await saveState(directory, arrays, progress)
    }
  }
  const checkpoint = async () => {
    await saveState(directory, arrays, progress)
    if (!options.onCheckpoint) return
    const model = current()
    await options.onCheckpoint(model, progress)
    await model.release()
  }
  const checks = Math.min(plan.checks, progress.time?.checks ?? plan.checks)
  const check = async ({ gradientNorms, images }: StepEvent) => {
    if (!options.check) return
    const model = current()
    const found = await options.check(model)
    await model.release()
    const { scores } = found
    const score = Math.exp(scores.reduce((sum, one) => sum + Math.log(one), 0) / scores.length)
    const one: Check = { images, score, ...found, gradient_norm: await gradientNorms() }
    progress.checks.push(one)
    if (bestOf(progress.checks) === one) best!.set(ema)
    options.onCheck?.(one)
  }
  await options.onStart?.(progress)
  let saved = performance.now()
  const begin = saved
  /** Seconds of earlier sittings. */
  const before = progress.seconds
  /** Milliseconds of this sitting that were for checks. */
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
        if (isAllowed && isCheck(progress.step, steps, checks) && allFinite()) {
          const asked = performance.now()
          await check(event)
          checking += performance.now() - asked
        }
        if (performance.now() - saved < options.checkpoint_every * 1000 || !allFinite()) return
        await checkpoint()
        saved = performance.now()
      },
    })
  if (progress.time?.settled === false) {
    await train(Math.ceil((TIMED_AFTER * progress.images) / plan.batch))
    if (!shouldStop() && allFinite()) {
      const spent = before + (performance.now() - begin - checking) / 1000
      const left = progress.time.training - spent
      progress.images = settledImages(progress, plan.batch, left / (spent / progress.step))
      progress.time.settled = true
      // Kept at once, for the same reason.
      await saveState(directory, arrays, progress)
    }
  }
  const finished = await train()
  await release()
  if (!allFinite())
    throw diverged(`the weights are not finite after step ${progress.step}`, progress, denoiser)
  // Also what was asked during the check after the last step.
  if (!finished || shouldStop()) {
    await saveState(directory, arrays, progress)
    return { finished: false, progress, config: config() }
  }
  await checkpoint()
  if (earlierIsBetter(progress.checks)) ema.set(best!)
  const trained = config()
  const weights = trainable.weights(ema)
  const model = new Model(trained, network, weights, runtime)
  const tuned = await options.tuneSampling?.(model, progress.time?.effort)
  await model.release()
  const final = { ...trained, sampling: { ...trained.sampling, ...tuned } }
  const { config: written, sha256 } = await saveModel(directory, final, weights)
  for (const name of [STATE_FILE, PREVIOUS_STATE_FILE]) await rm(join(directory, name), { force: true })
  return { finished, progress, config: written, sha256 }
}

export const hasState = (directory: string): boolean => existsSync(join(directory, STATE_FILE))

/** Fresh weights, but for those that begin as another model's. */
const freshState = (
  { given: { plan, teacher }, trainable: { layout }, beginning, part }: Job,
  optimizer: Optimizer,
  own: Optimizer | undefined,
): Progress => {
  const { parameters } = optimizer
  parameters.set(layout.initialize(plan.seed))
  if (beginning) layout.adopt(parameters, beginning.model.layout, beginning.model.weights, beginning.from)
  optimizer.ema.set(parameters)
  optimizer.target?.set(parameters)
  if (part && own) {
    own.parameters.set(part.layout.initialize(plan.seed))
    if (teacher && part.beginsAs)
      part.layout.adopt(own.parameters, teacher.layout, teacher.weights, part.beginsAs)
  }
  return freshProgress(plan.images ?? 0)
}

const optimizerOf = async (layout: Layout, { optimizer }: RunPlan, runtime: Runtime, target = false) =>
  new Optimizer(layout.size, optimizer, {
    target,
    ...(optimizer.optimizer === 'muon' && { muon: await compileMuon(layout, runtime) }),
  })
