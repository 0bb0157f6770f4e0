import { env } from 'onnxruntime-node'
import { VERSION } from '../version.js'

/** Versions of what a result depends on: for provenance and reports. */
export const versions = (): Record<string, string> => ({
  onestroke: VERSION,
  onnxruntime: env.versions.node ?? env.versions.common,
  node: process.versions.node,
})
