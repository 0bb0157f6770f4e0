/** A model's graphs as ONNX, which hold the weights and take batches of any size. */
import { autoencoderLayout, type Half, halfProgram } from '@onestroke/core/autoencoder'
import { type DenoiserConfig, denoiseProgram, EDM, type Parametrization } from '@onestroke/core/diffusion'
import type { ModelConfig } from '@onestroke/core/formats'
import type { Layout } from '@onestroke/core/nn'
import { type GraphFile, type Graphs, type OptionalGraph, shapeOf } from '@onestroke/core/pipeline'
import { autoencoderOf } from '@onestroke/core/space'
import { type Program, type Storage, toOnnx } from '@onestroke/core/tensor'
import { halfWeights, type LoadedModel } from '../model/index.js'

export interface Graph extends Pick<GraphFile, 'inputs' | 'outputs'> {
  readonly bytes: Uint8Array
}

export const graphsOf = (
  { config, layout, weights, autoencoder }: Omit<LoadedModel, 'path' | 'sha256'>,
  storage: Storage = 'fp32',
): Graphs<Graph> => {
  const graph = (sizes: Sizes, values: Readonly<Record<string, Float32Array>>): Graph => ({
    bytes: toOnnx(sizes[0], values, { other: sizes[1], storage }),
    ...shapesOf(sizes, Object.keys(values)),
  })
  const half = (name: Half): Graph | undefined =>
    autoencoder && graph(halfSizes(name, config), halfWeights(name, autoencoder))
  return withHalves({
    denoiser: graph(denoiserSizes(config), layout.unflatten(weights)),
    encoder: half('encoder'),
    decoder: half('decoder'),
  })
}

/** The inputs and outputs of the graphs of a model with such a network. */
export const graphShapes = (
  config: Omit<DenoiserConfig, keyof Parametrization> & Pick<ModelConfig, 'space'>,
  layout: Layout,
): Graphs<Shapes> => {
  const autoencoder = autoencoderOf(config.space)
  const half = (name: Half): Shapes | undefined =>
    autoencoder && shapesOf(halfSizes(name, config), namesOf(autoencoderLayout(autoencoder)))
  return withHalves({
    // They do not depend on what the network's output means.
    denoiser: shapesOf(denoiserSizes({ ...config, ...EDM }), namesOf(layout)),
    encoder: half('encoder'),
    decoder: half('decoder'),
  })
}

type Shapes = Pick<GraphFile, 'inputs' | 'outputs'>

/** A graph for batches of two sizes, which show what depends on the batch. */
type Sizes = readonly [Program, Program]

const denoiserSizes = (config: DenoiserConfig): Sizes => [
  denoiseProgram(config, 2),
  denoiseProgram(config, 3),
]

const halfSizes = (half: Half, config: Pick<ModelConfig, 'network' | 'space'>): Sizes => {
  const { network, space } = config
  const autoencoder = autoencoderOf(space)
  if (!autoencoder) throw new RangeError(`a model in ${space.kind} has no ${half}`)
  const size = half === 'encoder' ? shapeOf(config) : network
  return [halfProgram(half, autoencoder, 2, size), halfProgram(half, autoencoder, 3, size)]
}

const namesOf = ({ specs }: Layout): string[] => specs.map(({ name }) => name)

/** The graphs that there are. */
const withHalves = <Value>(
  graphs: Readonly<{ denoiser: Value } & Record<OptionalGraph, Value | undefined>>,
): Graphs<Value> => {
  const { denoiser, encoder, decoder } = graphs
  return encoder && decoder ? { denoiser, encoder, decoder } : { denoiser }
}

const shapesOf = ([program, other]: Sizes, weights: readonly string[]): Shapes => {
  const isWeight = new Set(weights)
  const shapes = (side: 'inputs' | 'outputs') =>
    Object.fromEntries(
      Object.entries(program[side])
        .filter(([name]) => !isWeight.has(name))
        .map(([name, { shape }]) => [
          name,
          shape.map((n, i) => (n === other[side][name]!.shape[i] ? n : null)),
        ]),
    )
  return { inputs: shapes('inputs'), outputs: shapes('outputs') }
}
