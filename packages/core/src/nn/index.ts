export type { NetworkInputs } from './condition.js'
export {
  type ConditionConfig,
  conditionConfig,
  type HourglassConfig,
  type NetworkConfig,
  networkConfig,
  type UnetConfig,
} from './config.js'
export type { Half } from './hourglass.js'
export * from './layers.js'
export {
  halfNetwork,
  NETWORKS,
  type NetworkKind,
  network,
  networkInputShapes,
  networkLayout,
} from './network.js'
export {
  describeParameters,
  flatScope,
  type Init,
  Layout,
  namedScope,
  type ParameterSpec,
  Scope,
} from './scope.js'
