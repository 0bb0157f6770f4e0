import { cpus, totalmem } from 'node:os'
import { versions } from '../training/index.js'
import type { Machine } from './types.js'

/** The machine that this runs on, as reports tell it. */
export const thisMachine = (): Machine => {
  const { onestroke, onnxruntime, node } = versions()
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    node: node!,
    onestroke: onestroke!,
    onnxruntime: onnxruntime!,
  }
}
