export { type NodeRuntimeOptions, nodeGraph, nodeRuntime, useThreads } from './node.js'
