/** Models for batches of any size, in Node: exported ones, and model folders. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { UserError } from '@onestroke/core/errors'
import {
  expectedInputs,
  exportedExecutable,
  type Manifest,
  Pipeline,
  type PipelineConfig,
  parseManifest,
} from '@onestroke/core/pipeline'
import { readBytes } from '../formats/index.js'
import { layoutOf, loadModel, sha256Of } from '../model/index.js'
import { type NodeRuntimeOptions, nodeGraph } from '../runtime/index.js'
import { graphOf, graphShapes } from './graph.js'

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
 * Opens a model folder, or a folder that `export` wrote, for painting.
 *
 * @throws UserError if there is neither, or if it is broken.
 */
export const openPipeline = async (
  folder: string,
  options: NodeRuntimeOptions = {},
): Promise<Pipeline<PipelineConfig>> => {
  const file = join(folder, MANIFEST_FILE)
  if (!existsSync(file)) {
    const model = await loadModel(folder)
    return pipelineOf(model.config, graphOf(model), options)
  }
  const manifest = await readManifest(file)
  checkNetwork(manifest, file)
  const path = join(folder, manifest.graph.file)
  const graph = await readBytes(path, 'exported graph')
  if (graph.length !== manifest.graph.bytes || sha256Of(graph) !== manifest.graph.sha256)
    throw new UserError(`${path} is not the graph that ${file} describes`, { remedy: AGAIN })
  return loadExport(graph, manifest, options)
}

const AGAIN = 'export the model again'

/** @throws UserError unless the graph that a manifest describes is of its network. */
const checkNetwork = (manifest: Manifest, file: string): void => {
  const check = (what: string, found: unknown, expected: unknown) => {
    if (isDeepStrictEqual(found, expected)) return
    const [is, should] = [JSON.stringify(found), JSON.stringify(expected)]
    throw new UserError(`${file}: ${what} ${is} do not fit the network, which has ${should}`, {
      remedy: AGAIN,
    })
  }
  const layout = layoutOf(manifest, file)
  check('parameters', manifest.parameters, layout.size)
  const { inputs, outputs } = graphShapes(manifest, layout)
  check('inputs', manifest.graph.inputs, expectedInputs(manifest, inputs))
  check('outputs', manifest.graph.outputs, outputs)
}

/** @throws UserError if it is missing, or no manifest, or if it contradicts itself. */
export const readManifest = async (file: string): Promise<Manifest> => {
  const text = new TextDecoder().decode(await readBytes(file, 'manifest'))
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new UserError(`${file} is not JSON: ${(cause as Error).message}`, { remedy: AGAIN })
  }
  try {
    return parseManifest(json, file)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError(error.message, { cause: error, remedy: AGAIN })
  }
}

const pipelineOf = async <Config extends PipelineConfig>(
  config: Config,
  { bytes, inputs }: { bytes: Uint8Array; inputs: Manifest['graph']['inputs'] },
  options: NodeRuntimeOptions,
): Promise<Pipeline<Config>> => {
  const executable = exportedExecutable(
    { network: config.network, graph: { inputs } },
    await nodeGraph(bytes, inputs, options),
  )
  return new Pipeline(config, {
    executable: async () => executable,
    release: () => executable.release(),
  })
}
