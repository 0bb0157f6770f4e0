export { type NodeRuntimeOptions, nodeGraph, nodeRuntime } from './node.js'
export { DEVICES, type RuntimeOptions, runtimeFor } from './runtime-for.js'
