export {
  compileMuon,
  OPTIMIZERS,
  type OptimizerName,
  type OptimizerOptions,
} from '@onestroke/core/nn'
export { FACTORS, type Factor, LATENT_CHANNELS, presetAutoencoder } from './autoencoder-presets.js'
export { autoencoderStep } from './autoencoder-step.js'
export { type AutoencoderPlan, checkAutoencoder, trainAutoencoder } from './autoencoder-task.js'
export { BANDS, bandLimits } from './bands.js'
export { BatchMaker } from './batch.js'
export { autoencoderOf, pointsFor } from './beginning.js'
export { CropMaker, type CropPlan } from './crops.js'
export { ALONE, type Group } from './group.js'
export { HALF } from './half.js'
export { encodeDataset, type Latents } from './latents.js'
export { isLocked, lockRun } from './lock.js'
export type { StepEvent } from './loop.js'
export { objectiveNamed } from './objectives.js'
export { Optimizer } from './optimizer.js'
export { isFinished, openRun, type RunPlan, readPlan, type TaskPlan } from './plan.js'
export {
  isTrainable,
  noiseRangeFor,
  OPTIMIZER_DEFAULTS,
  PRESETS,
  presetNetwork,
  presetOf,
  soonerThan,
  TEACHER_OPTIMIZER,
  trainableSize,
} from './presets.js'
export { checkRun, type RunOptions, type RunResult, run } from './run.js'
export { learningRate } from './schedule.js'
export {
  type Allotment,
  type Progress,
  readProgress,
} from './state.js'
export { type GuidanceScale, trainingStep } from './step.js'
export { hasState } from './task.js'
export { versions } from './versions.js'
