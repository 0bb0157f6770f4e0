/** A run that trains a denoiser, from start, or from where it stopped, to a finished model folder. */
import type { ModelConfig } from '@onestroke/core/formats'
import { networkLayout } from '@onestroke/core/nn'
import { Model, saveModel } from '../model/index.js'
import { batchPlan, constantsOf, type Job, type JobOptions, prepare, stepPrograms } from './job.js'
import { encodeDataset, type LatentOptions, type Latents } from './latents.js'
import { modelConfig } from './model-config.js'
import type { TrainingArrays } from './optimizer.js'
import { type Allotment, freshProgress, type Progress } from './state.js'
import { checkTask, runTask, type Task, type TaskOptions } from './task.js'

export interface RunOptions
  extends JobOptions,
    TaskOptions<Model>,
    Pick<LatentOptions, 'onEncode' | 'onUncached'> {
  /** Called when the training is done. Returns how the model is best sampled. */
  tuneSampling?(model: Model, effort?: Allotment['effort']): Promise<Partial<ModelConfig['sampling']>>
}

export interface RunResult {
  readonly finished: boolean
  readonly progress: Progress
  readonly config: ModelConfig
  readonly sha256?: string
}

/**
 * Checks, before anything is written, whether a run can work at all.
 *
 * @throws UserError if its network cannot be made, or begin as it should, or takes more memory than there is.
 */
export const checkRun = (options: JobOptions & Pick<RunOptions, 'group'>): void => {
  const job = prepare(options)
  checkTask({ plan: options.plan, programs: (batch) => stepPrograms(job, batch) }, options.group)
}

/** Trains the model of a plan. Saves its state at intervals, and when it is stopped. */
export const run = async (options: RunOptions): Promise<RunResult> => {
  const job = prepare(options)
  const { autoencoder } = job
  const { plan } = options
  const latents =
    autoencoder &&
    (await encodeDataset({
      ...options,
      autoencoder,
      augment: { flip: plan.flip, translate: plan.translate },
    }))
  // Stopped before the first step, there is nothing to save but what was encoded, which is kept.
  if (autoencoder && !latents) {
    const progress = freshProgress(plan.images ?? 0)
    return { finished: false, progress, config: modelConfig(job, progress) }
  }
  const { finished, progress, saved } = await runTask(taskOf(job, options, latents), options)
  return { finished, progress, ...(saved ?? { config: modelConfig(job, progress) }) }
}

const taskOf = (
  job: Job,
  { plan, directory, runtime, tuneSampling }: RunOptions,
  latents: Latents | undefined,
): Task<Model, { config: ModelConfig; sha256: string }> => {
  const { objective, denoiser, autoencoder, trainable, part } = job
  const layout = networkLayout(denoiser.network)
  return {
    plan,
    trainable,
    part,
    range: denoiser,
    ...(objective.target_ema && {
      target_ema: (progress: number) => objective.target_ema!(progress, plan.method_options),
    }),
    programs: (batch) => stepPrograms(job, batch),
    constants: (program) => constantsOf(job, program),
    batches: (images) => batchPlan(job, images, latents),
    begin: (arrays) => beginAs(job, arrays),
    open: (weights, progress) =>
      new Model({ config: modelConfig(job, progress), layout, weights, autoencoder }, runtime, false),
    async finish(weights, progress) {
      const config = modelConfig(job, progress)
      const model = new Model({ config, layout, weights, autoencoder }, runtime)
      const tuned = await tuneSampling?.(model, progress.time?.effort)
      await model.release()
      const final = { ...config, sampling: { ...config.sampling, ...tuned } }
      const { config: written, sha256 } = await saveModel(directory, { config: final, weights, autoencoder })
      return { config: written, sha256 }
    },
  }
}

/** Fresh weights, but for those that begin as another model's. */
const beginAs = (
  { given: { plan, teacher }, trainable: { layout }, beginning, part }: Job,
  { parameters, ema, target, parts }: TrainingArrays,
): void => {
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
}
