/** A run from start, or from where it stopped, to a finished model folder. */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DenoiserConfig, Objective, Part } from '@onestroke/core/diffusion'
import { type ModelConfig, UserError } from '@onestroke/core/formats'
import { type Layout, networkLayout } from '@onestroke/core/nn'
import type { OnnxFunction, Program, Runtime } from '@onestroke/core/tensor'
import { takesPrompts, type Vocabulary } from '@onestroke/core/text'
import type { Dataset } from '../data/index.js'
import { betterBeyondNoise } from '../metrics/index.js'
import { type LoadedModel, Model, saveModel } from '../model/index.js'
import type { Batch, BatchPlan } from './batch.js'
import { beginningOf } from './beginning.js'
import { diverged, runStep, type StepEvent, type Training, trainingLoop } from './loop.js'
import { checkMemory } from './memory.js'
import { denoiserConfig, modelConfig } from './model-config.js'
import { compileMuon } from './muon.js'
import { objectiveNamed } from './objectives.js'
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
import { ownPart, type StepOptions, TEACHER_PREFIX, trainingStep } from './step.js'

export interface RunOptions {
  readonly directory: string
  readonly plan: RunPlan
  readonly dataset: Dataset
  readonly vocabulary: Vocabulary
  readonly teacher?: LoadedModel
  /** What the weights begin as, in place of fresh ones, or of the teacher's. */
  readonly initFrom?: LoadedModel
  /** The network of perceptual distances; see `--option distance=perceptual`. */
  readonly features?: OnnxFunction
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

/** Steps by which the speed is measured before a run: at most, and at least if they take long. */
const [CALIBRATION_STEPS, FEWEST_STEPS] = [12, 3]
/** Seconds that this may take, where that is enough for the fewest. */
const CALIBRATION_SECONDS = 3
/** A training of more seconds than this is timed anew on the way, after this share of it. */
const [LONG, TIMED_AFTER] = [20, 0.25]
/** How many times as long as planned a training may become by that, or as short. */
const MOST_CHANGE = 3

/**
 * Whether a run can work at all, before anything is written.
 *
 * @throws UserError if its network cannot be made, or begin as it should, or takes more memory than there is.
 */
export const checkRun = (
  options: Pick<RunOptions, 'plan' | 'dataset' | 'vocabulary' | 'teacher' | 'initFrom' | 'features'>,
): void => {
  const { plan } = options
  const { sigma_min, sigma_max } = plan
  if (sigma_max <= sigma_min)
    throw new UserError(`--sigma-max must be above sigma_min, which is ${sigma_min}`, { exitCode: 2 })
  const objective = objectiveNamed(plan.method)
  if (objective.teacher === true && !options.teacher)
    throw new UserError(`the method ${plan.method} needs a teacher`, { exitCode: 2 })
  const denoiser = denoiserConfig(options, objective)
  beginningOf(options, denoiser.network)
  checkMemory(plan.batch, (batch) =>
    stepPrograms(stepOptions({ ...options, plan: { ...plan, batch } }, denoiser, objective)),
  )
}

/** Trains the model of a plan. Saves its state every so often, and when it is stopped. */
export const run = async (options: RunOptions): Promise<RunResult> => {
  const { directory, plan, runtime } = options
  const objective = objectiveNamed(plan.method)
  const denoiser = denoiserConfig(options, objective)
  const layout = networkLayout(denoiser.network)
  const optimizer = await optimizerOf(layout, plan, runtime, objective.target_ema ? layout.size : 0)
  /** The moving average, as the model's weights. */
  const { ema } = optimizer
  const stepping = stepOptions(options, denoiser, objective)
  const part = ownPart(stepping)
  const own = part && { part, optimizer: await optimizerOf(part.layout, plan, runtime) }
  const best = plan.checks > 0 ? new Float32Array(layout.size) : undefined
  const arrays: TrainingArrays = {
    ...optimizer,
    ...(best && { best }),
    ...(own && { parts: { [own.part.name]: own.optimizer } }),
  }
  const progress = (await loadState(directory, arrays)) ?? freshState(options, denoiser, optimizer, own)
  const [program, ownProgram] = stepPrograms(stepping)
  const step = await runtime.compile(program!, objective.teacher ? teacherWeights(options) : {})
  const ownStep = ownProgram && (await runtime.compile(ownProgram))
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
  const config = (): ModelConfig => modelConfig(options, objective, denoiser, progress)
  if (progress.images === 0 || (options.allot && plan.images !== null && progress.step === 0)) {
    const seconds = await stepSeconds(program!, training, options)
    if (seconds === undefined) {
      await saveState(directory, arrays, progress)
      await release()
      return { finished: false, progress, config: config() }
    }
    const model = new Model(config(), layout, ema, runtime, false)
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
    const model = new Model(config(), layout, ema, runtime, false)
    await options.onCheckpoint(model, progress)
    await model.release()
  }
  const checks = Math.min(plan.checks, progress.time?.checks ?? plan.checks)
  const check = async ({ gradientNorms, images }: StepEvent) => {
    if (!options.check) return
    const model = new Model(config(), layout, ema, runtime, false)
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
      plan: batchPlan(options, denoiser, progress.images),
      ...(objective.target_ema && {
        target_ema: (done) => objective.target_ema!(Math.min(done, 1 - 1e-9), plan.method_options),
      }),
      shouldStop: () => progress.step >= until || options.shouldStop?.() === true,
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
    if (!options.shouldStop?.() && allFinite()) {
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
  if (!finished || options.shouldStop?.()) {
    await saveState(directory, arrays, progress)
    return { finished: false, progress, config: config() }
  }
  await checkpoint()
  if (earlierIsBetter(progress.checks)) ema.set(best!)
  const trained = config()
  const model = new Model(trained, layout, ema, runtime)
  const tuned = await options.tuneSampling?.(model, progress.time?.effort)
  await model.release()
  const final = { ...trained, sampling: { ...trained.sampling, ...tuned } }
  const { config: written, sha256 } = await saveModel(directory, final, ema)
  for (const name of [STATE_FILE, PREVIOUS_STATE_FILE]) await rm(join(directory, name), { force: true })
  return { finished, progress, config: written, sha256 }
}

/** The first of the checks with the lowest score: the one whose weights the state holds. */
const bestOf = (checks: readonly Check[]): Check =>
  checks.reduce((best, one) => (one.score < best.score ? one : best))

/**
 * Whether the weights of the best check replace the final ones, which the last check measured. Only if they are better
 * beyond the noise: the final weights have learned the longest, and the best of several equally good ones is the one
 * whose noise was the kindest.
 */
const earlierIsBetter = (checks: readonly Check[]): boolean => {
  const last = checks.at(-1)
  if (!last) return false
  const best = bestOf(checks)
  // Checks made by an older version, before the run was stopped, cannot be compared with new ones.
  return best.scores.length === last.scores.length && betterBeyondNoise(best.scores, last.scores)
}

/** Whether the quality is measured after this step: `checks` times, evenly, the last time at the end. */
const isCheck = (step: number, steps: number, checks: number): boolean =>
  Math.floor((step * checks) / steps) > Math.floor(((step - 1) * checks) / steps)

export const hasState = (directory: string): boolean => existsSync(join(directory, STATE_FILE))

/** Fresh weights, but for those that begin as another model's. */
const freshState = (
  options: RunOptions,
  denoiser: DenoiserConfig,
  optimizer: Optimizer,
  own?: { part: Part; optimizer: Optimizer },
): Progress => {
  const { plan, teacher } = options
  const layout = networkLayout(denoiser.network)
  const { parameters } = optimizer
  parameters.set(layout.initialize(plan.seed))
  const beginning = beginningOf(options, denoiser.network)
  if (beginning) layout.adopt(parameters, beginning.model.layout, beginning.model.weights, beginning.from)
  optimizer.ema.set(parameters)
  optimizer.target?.set(parameters)
  if (own) {
    const { part, optimizer } = own
    optimizer.parameters.set(part.layout.initialize(plan.seed))
    if (teacher && part.beginsAs)
      part.layout.adopt(optimizer.parameters, teacher.layout, teacher.weights, part.beginsAs)
  }
  return freshProgress(plan.images ?? 0)
}

const optimizerOf = async (layout: Layout, { optimizer }: RunPlan, runtime: Runtime, target = 0) =>
  new Optimizer(layout.size, optimizer, {
    target,
    ...(optimizer.optimizer === 'muon' && { muon: await compileMuon(layout, runtime) }),
  })

const stepOptions = (
  { plan, teacher, features }: Pick<RunOptions, 'plan' | 'teacher' | 'features'>,
  student: DenoiserConfig,
  objective: Objective,
): StepOptions => ({
  student,
  ...(teacher && { teacher: teacher.config }),
  ...(features && { features }),
  guidance_scale: plan.guidance_scale,
  objective,
  options: plan.method_options,
  batch: plan.batch,
})

/** The student's step, and that of the objective's own part, if that has steps of its own. */
const stepPrograms = (options: StepOptions): Program[] => [
  trainingStep(options),
  ...(ownPart(options)?.updates === undefined ? [] : [trainingStep(options, 'own')]),
]

const teacherWeights = ({ teacher }: RunOptions): Record<string, Float32Array> => {
  const weights = teacher ? Object.entries(teacher.layout.unflatten(teacher.weights)) : []
  return Object.fromEntries(weights.map(([name, values]) => [TEACHER_PREFIX + name, values]))
}

/** Pictures of a whole training for which there is time for so many steps more. */
const settledImages = ({ step, images }: Progress, batch: number, left: number): number => {
  const steps = step + (Number.isFinite(left) ? Math.max(1, Math.round(left)) : 1)
  const planned = images / batch
  return Math.round(Math.min(Math.max(steps, planned / MOST_CHANGE), planned * MOST_CHANGE)) * batch
}

/** Seconds that a step takes, by timing some that change nothing; undefined if told to stop. */
const stepSeconds = async (
  program: Program,
  training: Training,
  { shouldStop }: RunOptions,
): Promise<number | undefined> => {
  const wanted = Object.entries(program.inputs).filter(([name]) => !name.startsWith(TEACHER_PREFIX))
  const inputs = Object.fromEntries(
    wanted.map(([name, { size, dtype }]) => [
      name,
      dtype === 'int64' ? new BigInt64Array(size) : new Float32Array(size).fill(1),
    ]),
  )
  const { step, optimizer, own } = training
  const seconds: number[] = []
  for (const executable of own?.steps ? [step, own.steps.step] : [step]) {
    const times: number[] = []
    const first = performance.now()
    for (let i = 0; i < CALIBRATION_STEPS; i++) {
      if (shouldStop?.()) return undefined
      const begin = performance.now()
      if (i >= FEWEST_STEPS && begin - first > 1000 * CALIBRATION_SECONDS) break
      await runStep(executable, training, inputs as unknown as Batch)
      await (executable === step ? optimizer : own!.optimizer).orthogonalize()
      times.push((performance.now() - begin) / 1000)
    }
    seconds.push(times.sort((a, b) => a - b)[times.length >> 1]!)
  }
  optimizer.gradient.fill(0)
  const [students, owns = 0] = seconds as [number, number?]
  const updates = own?.steps?.updates ?? 0
  return (students + updates * owns) / (1 + updates)
}

const batchPlan = (
  { plan, dataset, vocabulary }: RunOptions,
  denoiser: DenoiserConfig,
  images: number,
): BatchPlan => ({
  dataset: {
    pixels: dataset.pixels,
    count: dataset.count,
    channels: dataset.channels,
    height: dataset.height,
    width: dataset.width,
    ...(dataset.names && { names: dataset.names }),
    ...(dataset.styles && { styles: dataset.styles }),
    ...(dataset.classes && { classes: dataset.classes }),
    ...(dataset.labels && { labels: dataset.labels }),
  },
  vocabulary,
  seed: plan.seed,
  batch: plan.batch,
  images,
  range: { sigma_min: denoiser.sigma_min, sigma_max: denoiser.sigma_max, sigma_data: denoiser.sigma_data },
  objective: plan.method,
  options: plan.method_options,
  guidance_scale: plan.guidance_scale,
  augment: { flip: plan.flip, translate: plan.translate },
  condition_dropout: takesPrompts(vocabulary) ? plan.condition_dropout : 0,
  word_dropout: plan.word_dropout,
})
