export { type NodeRuntimeOptions, nodeGraph, nodeRuntime } from './node.js'
export { type RuntimeOptions, runtimeFor } from './runtime-for.js'
