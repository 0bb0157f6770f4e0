export {
  type Condition,
  type Denoiser,
  type DenoiserConfig,
  guided,
  jump,
  type NoiseRange,
  networkDenoiser,
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
export { meanSquare, noised, perPicture, pictureMean, sumSquare } from './per-picture.js'
export {
  consistencyPreconditioning,
  edmPreconditioning,
  type Parametrization,
  type Preconditioning,
} from './precondition.js'
export { denoiseProgram, denoiserInputs } from './program.js'
export {
  clampSigma,
  karrasPosition,
  karrasSigma,
  noiseLevel,
  noiseSchedule,
  type ScheduleName,
  trailingSchedule,
  vpSigma,
  vpTime,
} from './schedule.js'
export {
  type DenoiseFunction,
  dpmpp_2m,
  euler,
  evaluations,
  heun,
  SOLVER_LABELS,
  SOLVERS,
  type Solver,
  type SolverName,
  type SolverOptions,
} from './solvers.js'
