/** A model's graphs as ONNX, which hold the weights and take batches of any size. */
import { type DenoiserConfig, denoiseProgram, EDM, type Parametrization } from '@onestroke/core/diffusion'
import type { Layout } from '@onestroke/core/nn'
import type { GraphFile, Graphs } from '@onestroke/core/pipeline'
import { type Program, type Storage, toOnnx } from '@onestroke/core/tensor'
import type { LoadedModel } from '../model/index.js'

export interface Graph extends Pick<GraphFile, 'inputs' | 'outputs'> {
  readonly bytes: Uint8Array
}

export const graphsOf = (
  { config, layout, weights }: Pick<LoadedModel, 'config' | 'layout' | 'weights'>,
  storage: Storage = 'fp32',
): Graphs<Graph> => {
  const [program, other] = twoSizes(config)
  return {
    denoiser: {
      bytes: toOnnx(program, layout.unflatten(weights), { other, storage }),
      ...shapesOf([program, other], layout),
    },
  }
}

/** The inputs and outputs of the graphs of a model with such a network. */
export const graphShapes = (
  config: Omit<DenoiserConfig, keyof Parametrization>,
  layout: Layout,
): Graphs<Shapes> => ({
  // They do not depend on what the network's output means.
  denoiser: shapesOf(twoSizes({ ...config, ...EDM }), layout),
})

type Shapes = Pick<GraphFile, 'inputs' | 'outputs'>

/** Two sizes show what depends on the batch. */
const twoSizes = (config: DenoiserConfig): [Program, Program] => [
  denoiseProgram(config, 2),
  denoiseProgram(config, 3),
]

const shapesOf = ([program, other]: [Program, Program], layout: Layout): Shapes => {
  const isWeight = new Set(layout.specs.map(({ name }) => name))
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
