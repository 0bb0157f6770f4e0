/** A model's denoiser as one ONNX graph that holds the weights and takes batches of any size. */
import { denoiseProgram } from '@onestroke/core/diffusion'
import type { Manifest } from '@onestroke/core/pipeline'
import { type Storage, toOnnx } from '@onestroke/core/tensor'
import type { LoadedModel } from '../model/index.js'

export interface Graph extends Pick<Manifest['graph'], 'inputs' | 'outputs'> {
  readonly bytes: Uint8Array
}

export const graphOf = (
  { config, layout, weights }: Pick<LoadedModel, 'config' | 'layout' | 'weights'>,
  storage: Storage = 'float32',
): Graph => {
  // Two sizes show what depends on the batch.
  const [program, other] = [denoiseProgram(config, 2), denoiseProgram(config, 3)]
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
  return {
    bytes: toOnnx(program, layout.unflatten(weights), { other, storage }),
    inputs: shapes('inputs'),
    outputs: shapes('outputs'),
  }
}
