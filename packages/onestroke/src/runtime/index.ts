export { type NodeRuntimeOptions, nodeGraph, nodeRuntime } from './node.js'
