/** Models for batches of any size, in Node: exported ones, and model folders. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { UserError } from '@onestroke/core/errors'
import {
  expectedInputs,
  type GraphName,
  type Graphs,
  graphEntries,
  graphNamed,
  type Manifest,
  mapGraphs,
  Pipeline,
  type PipelineConfig,
  parseManifest,
  releaseGraphs,
} from '@onestroke/core/pipeline'
import { readBytes } from '../formats/index.js'
import { layoutOf, loadModel, sha256Of } from '../model/index.js'
import { type NodeRuntimeOptions, nodeGraph } from '../runtime/index.js'
import { type Graph, graphShapes, graphsOf } from './graph.js'

/** The file of each graph. */
export const GRAPH_FILES: Readonly<Record<GraphName, string>> = {
  denoiser: 'model.onnx',
  encoder: 'encoder.onnx',
  decoder: 'decoder.onnx',
}
export const MANIFEST_FILE = 'manifest.json'

/** What paints with exported graphs. */
export const loadExport = async (
  graphs: Graphs<Uint8Array>,
  manifest: Manifest,
  options: NodeRuntimeOptions = {},
): Promise<Pipeline<Manifest>> => {
  const whole = await mapGraphs(manifest.graphs, async ({ inputs }, name) => ({
    inputs,
    bytes: graphNamed(graphs, name),
  }))
  return pipelineOf(manifest, whole, options)
}

/** What is known of an opened model, whatever its folder holds. */
export type OpenedConfig = PipelineConfig & {
  /** Where it comes from. */
  readonly source: Pick<Manifest['source'], 'sha256'>
}

/**
 * Opens a model folder, or a folder that `export` wrote, for painting.
 *
 * @throws UserError if there is neither, or if it is broken.
 */
export const openPipeline = async (
  folder: string,
  options: NodeRuntimeOptions = {},
): Promise<Pipeline<OpenedConfig>> => {
  const file = join(folder, MANIFEST_FILE)
  if (!existsSync(file)) {
    const model = await loadModel(folder)
    const { config, sha256 } = model
    return pipelineOf({ ...config, source: { sha256 } }, graphsOf(model), options)
  }
  const manifest = await readManifest(file)
  checkNetwork(manifest, file)
  const graphs = await mapGraphs(manifest.graphs, async ({ file: name, bytes, sha256 }) => {
    const path = join(folder, name)
    const graph = await readBytes(path, 'exported graph')
    if (graph.length !== bytes || sha256Of(graph) !== sha256)
      throw new UserError(`${path} is not the graph that ${file} describes`, { remedy: AGAIN })
    return graph
  })
  return loadExport(graphs, manifest, options)
}

const AGAIN = 'export the model again'

/** @throws UserError unless the graphs that a manifest describes are of its network. */
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
  const { network } = manifest
  const shapes = graphShapes(manifest, layout)
  for (const [name, { inputs, outputs }] of graphEntries(manifest.graphs)) {
    const now = graphNamed(shapes, name)
    check('inputs', inputs, takenBy(name, { network, inputs }, now.inputs))
    check('outputs', outputs, now.outputs)
  }
}

/** What a graph should take: `now`, or, if it is of an earlier version, what graphs took then. */
const takenBy = (name: GraphName, found: Parameters<typeof expectedInputs>[0], now: Graph['inputs']) => {
  switch (name) {
    case 'denoiser':
      return expectedInputs(found, now)
    case 'encoder':
    case 'decoder':
      return now
    default:
      return name satisfies never
  }
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
  graphs: Graphs<Pick<Graph, 'bytes' | 'inputs'>>,
  options: NodeRuntimeOptions,
): Promise<Pipeline<Config>> => {
  const executables = await mapGraphs(graphs, ({ bytes, inputs }) => nodeGraph(bytes, inputs, options))
  return new Pipeline(config, {
    executable: async (graph) => graphNamed(executables, graph),
    release: () => releaseGraphs(executables),
  })
}
