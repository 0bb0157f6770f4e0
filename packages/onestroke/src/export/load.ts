/** Exported models in Node. */
import { type Manifest, Pipeline } from '@onestroke/core/pipeline'
import { type NodeRuntimeOptions, nodeGraph } from '../runtime/index.js'

/** What paints with an exported graph. */
export const loadExport = async (
  graph: Uint8Array,
  manifest: Manifest,
  options: NodeRuntimeOptions = {},
): Promise<Pipeline<Manifest>> => {
  const executable = await nodeGraph(graph, manifest.graph.inputs, options)
  return new Pipeline(manifest, {
    executable: async () => executable,
    release: () => executable.release(),
  })
}
