export { type NodeRuntimeOptions, nodeRuntime } from './node.js'
