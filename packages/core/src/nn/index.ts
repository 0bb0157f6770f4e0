export type { NetworkInputs, Tap } from './condition.js'
export {
  type ConditionConfig,
  conditionConfig,
  type HourglassConfig,
  type NetworkConfig,
  networkConfig,
  type UnetConfig,
} from './config.js'
export * from './layers.js'
export { type NetworkInputShapes, network, networkInputShapes, networkLayout } from './network.js'
export {
  describeParameters,
  flatScope,
  type Init,
  Layout,
  namedScope,
  type ParameterSpec,
  Scope,
} from './scope.js'
