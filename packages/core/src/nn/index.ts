export type { NetworkInputs, Tap } from './condition.js'
export {
  type HourglassConfig,
  type NetworkConfig,
  networkConfig,
  type StoredNetwork,
  storedNetwork,
  type UnetConfig,
} from './config.js'
export type { Half } from './hourglass.js'
export * from './layers.js'
export { type LoraBase, type LoraOptions, lowRank } from './low-rank.js'
export { compileMuon, matricesOf, type Orthogonalizer, orthogonalized } from './muon.js'
export {
  halfNetwork,
  NETWORKS,
  type NetworkInputShapes,
  type NetworkKind,
  network,
  networkInputShapes,
  networkLayout,
} from './network.js'
export {
  adamStep,
  finiteProgram,
  gapsOf,
  gradientNormProgram,
  isDecoupled,
  MUON_BETA,
  OPTIMIZERS,
  type OptimizerName,
  type OptimizerOptions,
  type Range,
  targetProgram,
  updateProgram,
} from './optimizer.js'
export {
  describeParameters,
  flatScope,
  type Init,
  Layout,
  namedScope,
  type ParameterSpec,
  Scope,
} from './scope.js'
export { type FromStored, fromStored, storedPromptShape } from './stored.js'
export { type Trainable, wholeNetwork } from './trainable.js'
