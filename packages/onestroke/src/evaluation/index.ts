export { CHECK_SEEDS, qualityChecker } from './checker.js'
export { pictureOf } from './distort.js'
export {
  type Costs,
  costsOf,
  DENOISING_LEVELS,
  DENOISING_PICTURES,
  type Effort,
  effortWithin,
  FULL_EFFORT,
  GRID_PICTURES,
  gridsCost,
  type Measured,
  REPORT_STEPS,
  reportSamples,
  reportWithin,
  searchPictures,
  settingsFor,
  totalOf,
} from './effort.js'
export {
  type EvaluateOptions,
  evaluate,
  guidanceOf,
  NOISE_SEEDS,
  TEACHER_SETTINGS,
  teacherPath,
} from './evaluate.js'
export { type FeatureSpace, featuresOfDataset, Reference } from './feature-space.js'
export {
  FeatureExtractor,
  type FeatureOptions,
  featureModel,
  featuresFor,
} from './features.js'
export { checkFit, Judge } from './judge.js'
export { judgeLabel, judgesFor } from './judges.js'
export { asSeenBy, learnedGuidance, samplePrompts, samplesToChoose } from './prompts.js'
export { judgedBy } from './real-pictures.js'
export {
  type HeldOut,
  heldOut,
  type Reconstructions,
  reconstructionSpeed,
  reconstructionsOf,
} from './reconstructions.js'
export {
  bestStudent,
  bestTeacher,
  bestValue,
  better,
  canTell,
  EQUAL,
  equalTeacher,
  estimateOf,
  farTeacher,
  isNumber,
  quickestStudent,
  ratioOf,
  replays,
  skipping,
  sortRows,
  speedUp,
  timingIsNoisy,
} from './rows.js'
export { type FoundLevels, searchSigmas } from './search-sigmas.js'
export { featureTrainingSpeed, pictureSpeeds } from './speeds.js'
export type {
  Distances,
  Estimate,
  Evaluation,
  EvaluationRow,
  JudgeInfo,
  Measure,
  Series,
} from './types.js'
