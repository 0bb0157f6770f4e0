export type { NetworkInputs } from './condition.js'
export {
  type ConditionConfig,
  conditionConfig,
  type HourglassConfig,
  type NetworkConfig,
  networkConfig,
  type StoredNetwork,
  storedNetwork,
  type UnetConfig,
} from './config.js'
export * from './layers.js'
export { network, networkInputShapes, networkLayout } from './network.js'
export {
  describeParameters,
  flatScope,
  type Init,
  Layout,
  namedScope,
  type ParameterSpec,
  Scope,
} from './scope.js'
