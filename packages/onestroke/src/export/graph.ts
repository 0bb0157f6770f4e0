/** A model's denoiser as one ONNX graph that holds the weights and takes batches of any size. */
import { type DenoiserConfig, denoiseProgram, EDM, type Reading } from '@onestroke/core/diffusion'
import type { Layout } from '@onestroke/core/nn'
import type { Manifest } from '@onestroke/core/pipeline'
import { type Program, type Storage, toOnnx } from '@onestroke/core/tensor'
import type { LoadedModel } from '../model/index.js'

export interface Graph extends Pick<Manifest['graph'], 'inputs' | 'outputs'> {
  readonly bytes: Uint8Array
}

export const graphOf = (
  { config, layout, weights }: Pick<LoadedModel, 'config' | 'layout' | 'weights'>,
  storage: Storage = 'fp32',
): Graph => {
  const [program, other] = twoSizes(config)
  return {
    bytes: toOnnx(program, layout.unflatten(weights), { other, storage }),
    ...shapesOf([program, other], layout),
  }
}

/** The inputs and outputs of the graph of a model with such a network. */
export const graphShapes = (config: Omit<DenoiserConfig, keyof Reading>, layout: Layout): Shapes =>
  // They do not depend on what the network's output means.
  shapesOf(twoSizes({ ...config, ...EDM }), layout)

type Shapes = Pick<Manifest['graph'], 'inputs' | 'outputs'>

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
