/** Models for batches of any size, in Node: exported ones, and model folders. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '@onestroke/core/formats'
import { type Manifest, Pipeline, type PipelineConfig } from '@onestroke/core/pipeline'
import { readBytes } from '../formats/index.js'
import { loadModel, sha256Of } from '../model/index.js'
import { type NodeRuntimeOptions, nodeGraph } from '../runtime/index.js'
import { graphOf } from './graph.js'

export const GRAPH_FILE = 'model.onnx'
export const MANIFEST_FILE = 'manifest.json'

/** What paints with an exported graph. */
export const loadExport = (
  graph: Uint8Array,
  manifest: Manifest,
  options: NodeRuntimeOptions = {},
): Promise<Pipeline<Manifest>> =>
  pipelineOf(manifest, { inputs: manifest.graph.inputs, bytes: graph }, options)

/**
 * What paints with a model folder, or with a folder that `export` wrote.
 *
 * @throws UserError if there is neither, or if it is broken.
 */
export const openPipeline = async (
  path: string,
  options: NodeRuntimeOptions = {},
): Promise<Pipeline<PipelineConfig>> => {
  const file = join(path, MANIFEST_FILE)
  if (!existsSync(file)) {
    const model = await loadModel(path)
    return pipelineOf(model.config, graphOf(model), options)
  }
  const manifest = await readManifest(file)
  const graph = await readBytes(join(path, manifest.graph.file), 'exported graph')
  if (sha256Of(graph) !== manifest.graph.sha256)
    throw new UserError(`${join(path, manifest.graph.file)} is not the graph that ${file} describes`, {
      remedy: 'export the model again',
    })
  return loadExport(graph, manifest, options)
}

/** @throws UserError if it is missing, or no manifest. */
export const readManifest = async (file: string): Promise<Manifest> => {
  const text = new TextDecoder().decode(await readBytes(file, 'manifest'))
  let manifest: Manifest
  try {
    manifest = JSON.parse(text)
  } catch (cause) {
    throw new UserError(`${file} is not JSON: ${(cause as Error).message}`)
  }
  if (manifest?.format !== 'onestroke-export/1')
    throw new UserError(`${file} is not a manifest of onestroke-export/1`, {
      remedy: 'export the model again',
    })
  return manifest
}

const pipelineOf = async <Config extends PipelineConfig>(
  config: Config,
  { bytes, inputs }: { bytes: Uint8Array; inputs: Manifest['graph']['inputs'] },
  options: NodeRuntimeOptions,
): Promise<Pipeline<Config>> => {
  const executable = await nodeGraph(bytes, inputs, options)
  return new Pipeline(config, {
    executable: async () => executable,
    release: () => executable.release(),
  })
}
