export { type NodeRuntimeOptions, nodeGraph, nodeRuntime, useThreads } from './node.js'
export { type RuntimeOptions, runtimeFor } from './runtime-for.js'
