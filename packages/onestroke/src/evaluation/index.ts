export { qualityChecker } from './checker.js'
export { pictureOf } from './distort.js'
export {
  type EvaluateOptions,
  evaluate,
  guidanceOf,
  TEACHER_SETTINGS,
  type TeacherSetting,
  teacherPath,
} from './evaluate.js'
export { trainFeatureNetwork } from './feature-network.js'
export {
  FeatureExtractor,
  type FeatureOptions,
  featureModel,
  featuresFor,
  featuresOfDataset,
} from './features.js'
export { checkFit, Judge, type Painted } from './judge.js'
export { asSeenBy, learnedGuidance, samplePrompts, samplesToChoose } from './prompts.js'
export {
  bestStudent,
  bestTeacher,
  bestValue,
  better,
  equalTeacher,
  estimateOf,
  isNumber,
  quickestStudent,
  ratioOf,
  replays,
  skipping,
  sortRows,
  speedUp,
} from './rows.js'
export { type FoundLevels, searchSigmas } from './search-sigmas.js'
export type {
  Distances,
  Estimate,
  Evaluation,
  EvaluationRow,
  Floor,
  JudgeInfo,
  Measure,
  Measures,
  Series,
} from './types.js'
