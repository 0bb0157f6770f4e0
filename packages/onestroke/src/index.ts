/** onestroke as a library: everything the command line does. */
export { UserError } from '@onestroke/core/errors'
export type { Generated, GenerateOptions } from '@onestroke/core/pipeline'
export { type DataOptions, type Dataset, loadDataset, readImage, readMask } from './data/index.js'
export {
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  FeatureExtractor,
  type FeatureSpace,
  featuresFor,
  featuresOfDataset,
  Judge,
  judgesFor,
  NOISE_SEEDS,
  Reference,
  TEACHER_SETTINGS,
} from './evaluation/index.js'
export {
  type Exported,
  type ExportedFolder,
  type ExportOptions,
  exportFolder,
  exportModel,
  openPipeline,
} from './export/index.js'
export { pngGrid, pngOf } from './formats/index.js'
export { loadModel, Model, saveModel } from './model/index.js'
export { type NodeRuntimeOptions, nodeRuntime, type RuntimeOptions, runtimeFor } from './runtime/index.js'
export {
  ALONE,
  autoencoderStep,
  BatchMaker,
  CropMaker,
  type CropPlan,
  compileMuon,
  type Group,
  OPTIMIZER_DEFAULTS,
  Optimizer,
  type OptimizerOptions,
  openRun,
  presetAutoencoder,
  presetNetwork,
  type RunOptions,
  type RunPlan,
  run,
  trainingStep,
  versions,
} from './training/index.js'
