export { checkpoint, grad, jvp, nodesOf, vjp } from './autodiff.js'
export { fromOnnx, type OnnxFunction } from './from-onnx.js'
export { halfOf, ofHalf, ofHalves } from './half.js'
export { type OnnxOptions, toOnnx } from './onnx.js'
export type { ConvAttrs, ConvTransposeAttrs } from './ops/linear.js'
export { countNodes, type InputSpec, type Program, trace } from './program.js'
export { interpret, type ReferenceValues, referenceRuntime } from './reference.js'
export {
  type CompileOptions,
  type DeviceArray,
  type Executable,
  HostArray,
  type Runtime,
  type Values,
} from './runtime.js'
export { type Storage, stored } from './storage.js'
export { apply, constant, type DType, input, type Leaf, Node, type Shape, Tensor } from './tensor.js'
