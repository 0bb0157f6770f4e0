export {
  type Condition,
  type Denoiser,
  type DenoiserConfig,
  EDM,
  guided,
  jump,
  type NoiseRange,
  networkDenoiser,
  type Parametrization,
} from './denoiser.js'
export {
  denoisingLoss,
  diffusion,
  type LossContext,
  type Objective,
  objective,
  type Part,
  type TimeContext,
  type Times,
} from './objective.js'
export {
  choice,
  flag,
  number,
  type Option,
  type Rules,
  share,
  whole,
  wholes,
} from './option.js'
export {
  networkScales,
  type PathConfig,
  pathAbout,
  pathSchema,
  type VpNoise,
  vpSigmas,
} from './path.js'
export { meanSquare, noised, perPicture, pictureMean, sumSquare } from './per-picture.js'
export {
  boundary,
  errorUnit,
  type NoiseLevels,
  noiseLevels,
  PREDICTION_NAMES,
  PREDICTIONS,
  type Prediction,
  type PredictionName,
  type Scalings,
} from './prediction.js'
export { denoiseProgram, denoiserInputs } from './program.js'
export {
  clampSigma,
  karrasPosition,
  karrasSigma,
  noiseLevel,
  noiseSchedule,
  RHO,
  SCHEDULE_NAMES,
  SCHEDULES,
  type Schedule,
  type ScheduleName,
  trailingSchedule,
  vpSigma,
  vpTime,
} from './schedule.js'
export {
  type DenoiseFunction,
  odeStep,
  SAMPLER_NAMES,
  type SamplerName,
  SOLVER_NAMES,
  SOLVERS,
  type Solver,
  type SolverName,
  type SolverOptions,
  type TrajectoryPoint,
} from './solvers.js'
