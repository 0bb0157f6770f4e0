export {
  compileMuon,
  OPTIMIZERS,
  type OptimizerName,
  type OptimizerOptions,
  type Orthogonalizer,
} from '@onestroke/core/nn'
export { BANDS, bandLimits } from './bands.js'
export { type Batch, BatchMaker, type BatchPlan, type BatchSlice } from './batch.js'
export { ALONE, type Group } from './group.js'
export { HALF } from './half.js'
export { isLocked, lockRun } from './lock.js'
export { type LoopOptions, type StepEvent, trainingLoop } from './loop.js'
export { checkMemory, peakBytes } from './memory.js'
export { objectiveNamed } from './objectives.js'
export { Optimizer, type TrainingArrays } from './optimizer.js'
export { isFinished, openRun, type RunPlan, type RunStatus, readPlan } from './plan.js'
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
export { checkRun, hasState, type RunOptions, type RunResult, run } from './run.js'
export { emaDecay, learningRate, type ScheduleOptions } from './schedule.js'
export {
  type Allotment,
  type Check,
  type LogPoint,
  loadState,
  type Progress,
  readProgress,
  saveState,
} from './state.js'
export { type GuidanceScale, ownPart, type StepOptions, TEACHER_PREFIX, trainingStep } from './step.js'
export { versions } from './versions.js'
