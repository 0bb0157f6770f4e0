export { checkpoint, grad, jvp, nodesOf, vjp } from './autodiff.js'
export { fromOnnx, type OnnxFunction } from './from-onnx.js'
export { halfOf, ofHalf, ofHalves } from './half.js'
export { type OnnxOptions, toOnnx } from './onnx.js'
export { dims } from './ops/op.js'
export { countNodes, type InputSpec, inputOf, type Program, trace } from './program.js'
export { interpret, type ReferenceValues, referenceRuntime } from './reference.js'
export {
  type CompileOptions,
  type DeviceArray,
  type Executable,
  HostArray,
  type Runtime,
  type Values,
} from './runtime.js'
export { STORAGES, type Storage, stored } from './storage.js'
export { apply, constant, input, joined } from './tensor.js'
export type { ConvAttrs, ConvTransposeAttrs, DType, Leaf, Node, Op, Shape, Tensor } from './types.js'
