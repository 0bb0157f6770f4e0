import { readFileSync } from 'node:fs'
import { env } from 'onnxruntime-node'

/** Versions of what a result depends on: for provenance and reports. */
export const versions = (): Record<string, string> => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return {
    onestroke: version,
    onnxruntime: env.versions.node ?? env.versions.common,
    node: process.versions.node,
  }
}
