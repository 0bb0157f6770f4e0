export { type Batch, BatchMaker, type BatchPlan } from './batch.js'
export { type LoopOptions, type StepEvent, trainingLoop } from './loop.js'
export { objectiveNamed } from './objectives.js'
export { Optimizer, type OptimizerOptions, type TrainingArrays } from './optimizer.js'
export { openRun, PLAN_FILE, type RunPlan, type RunStatus } from './plan.js'
export { OPTIMIZER_DEFAULTS, PRESETS, presetNetwork, presetOf } from './presets.js'
export { hasState, type RunOptions, type RunResult, run } from './run.js'
export { emaDecay, learningRate, type ScheduleOptions } from './schedule.js'
export {
  type LogPoint,
  loadState,
  PREVIOUS_STATE_FILE,
  type Progress,
  STATE_FILE,
  saveState,
} from './state.js'
export { type StepOptions, TEACHER_PREFIX, trainingStep } from './step.js'
export { versions } from './versions.js'
