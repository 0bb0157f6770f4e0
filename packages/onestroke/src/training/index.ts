export { BANDS, bandLimits } from './bands.js'
export { type Batch, BatchMaker, type BatchPlan } from './batch.js'
export { HALF } from './half.js'
export { isLocked, lockRun } from './lock.js'
export { type LoopOptions, type StepEvent, trainingLoop } from './loop.js'
export { checkMemory, peakBytes } from './memory.js'
export { compileMuon, type Orthogonalizer } from './muon.js'
export { objectiveNamed } from './objectives.js'
export {
  OPTIMIZERS,
  Optimizer,
  type OptimizerName,
  type OptimizerOptions,
  type TrainingArrays,
} from './optimizer.js'
export {
  isFinished,
  openRun,
  PLAN_FILE,
  type RunPlan,
  type RunStatus,
  readPlan,
  SAMPLES_FILE,
  SAMPLES_FOLDER,
} from './plan.js'
export {
  isTrainable,
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
  PREVIOUS_STATE_FILE,
  PROGRESS_FILE,
  type Progress,
  readProgress,
  STATE_FILE,
  saveState,
} from './state.js'
export { type GuidanceScale, ownPart, type StepOptions, TEACHER_PREFIX, trainingStep } from './step.js'
export { versions } from './versions.js'
