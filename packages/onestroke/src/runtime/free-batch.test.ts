/** Models for batches of any size, and with smaller constants, as onnxruntime reads them. */
import {
  type DenoiserConfig,
  denoiseProgram,
  EDM,
  type PathConfig,
  PREDICTION_NAMES,
} from '@onestroke/core/diffusion'
import { networkLayout } from '@onestroke/core/nn'
import { Random } from '@onestroke/core/random'
import { apply, type Op, type Program, STORAGES, type Storage, toOnnx, trace } from '@onestroke/core/tensor'
import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { EXAMPLES } from '../../../core/src/nn/testing.js'
import { nodeRuntime } from './index.js'

const draw = (length: number, seed: number) =>
  new Random({ seed, stream: 0, step: 0, index: 0 }).fillNormal(new Float32Array(length))

/** Runs a model on inputs for one batch size. */
const runModel = async (
  bytes: Uint8Array,
  { inputs, outputs }: Program,
  values: Record<string, Float32Array>,
) => {
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 })
  const feeds = Object.fromEntries(
    Object.entries(values).map(([name, data]) => [
      name,
      new ort.Tensor('float32', data, inputs[name]!.shape),
    ]),
  )
  const found = await session.run(feeds)
  const [name] = Object.keys(outputs)
  await session.release()
  return { data: found[name!]!.data as Float32Array, dims: found[name!]!.dims }
}

const configOf = (network: DenoiserConfig['network']): DenoiserConfig => ({
  network,
  ...EDM,
  boundary: true,
  sigma_min: 0.01,
  sigma_max: 40,
  sigma_data: 0.5,
})

const weightsOf = (config: DenoiserConfig) => {
  const layout = networkLayout(config.network)
  return layout.unflatten(draw(layout.size, 1).map((value) => value / 3))
}

/** Everything that is not a weight. */
const valuesFor = ({ inputs }: Program, weights: Record<string, Float32Array>) =>
  Object.fromEntries(
    Object.entries(inputs)
      .filter(([name]) => !(name in weights))
      .map(([name, { size }], i) => [
        name,
        name === 'sigma' || name === 's' ? new Float32Array(size).fill(2) : draw(size, 2 + i),
      ]),
  )

/** The model for batches of any size does at these sizes what the one for each does. */
const expectFree = async (config: DenoiserConfig, batches: readonly number[]): Promise<void> => {
  const weights = weightsOf(config)
  const at = (batch: number) => denoiseProgram(config, batch)
  const free = toOnnx(at(2), weights, { other: at(3) })
  for (const batch of batches) {
    const program = at(batch)
    const values = valuesFor(program, weights)
    const fixed = await nodeRuntime().compile(program, { constants: weights })
    const { denoised } = await fixed.run(values)
    await fixed.release()
    const { data, dims } = await runModel(free, program, values)
    expect(dims).toEqual(program.outputs.denoised!.shape)
    for (const [i, value] of denoised!.entries()) expect(data[i]).toBeCloseTo(value, 4)
  }
}

describe('a model for batches of any size', () => {
  it.each(EXAMPLES)('is the one for each: %s', async (_, network) => {
    await expectFree(configOf(network), [1, 5])
  })

  const paths: readonly PathConfig[] = [
    { kind: 've' },
    { kind: 'vp', noise: { alphas_cumprod: [0.99, 0.5, 0.01] } },
    { kind: 'flow' },
  ]
  it.each(PREDICTION_NAMES.flatMap((prediction) => paths.map((path) => ({ prediction, path }))))(
    'is the one for each, whatever the network predicts: $prediction on $path.kind',
    async (reading) => {
      for (const boundary of [false, true])
        await expectFree({ ...configOf(EXAMPLES[0]![1]), ...reading, boundary }, [5])
    },
  )

  it('is refused where the size matters otherwise, by the name of the op', () => {
    const free = (body: (batch: number) => Program) => () => toOnnx(body(2), {}, { other: body(3) })
    expect(free((n) => trace({ x: [n, 2] }, ({ x }) => ({ y: x.slice([0, 0], [n, 1]) })))).toThrow(
      'slice depends on the batch size: its attributes do',
    )
    expect(free((n) => trace({ x: [n, 2] }, ({ x }) => ({ y: x.sum([0]).broadcastTo([n, 2]) })))).toThrow(
      'broadcastTo depends on the batch size: the batch is made there',
    )
    expect(free((n) => trace({ x: [n, n] }, ({ x }) => ({ y: x.reshape([n, n, 1]) })))).toThrow(
      'reshape depends on the batch size: more than one axis does',
    )
    expect(free((n) => trace({ x: [n, 2] }, ({ x }) => ({ y: x.mul(1 / n) })))).toThrow(
      'mul depends on the batch size: one of its constants does',
    )
  })

  it('asks any op for the attributes that serve every size', async () => {
    /** Reshapes [batch, width] to [rows, 2]. */
    const pairs = (openBatch: Op<{ rows: number }>['openBatch']): Op<{ rows: number }> => ({
      name: 'pairs',
      openBatch,
      infer: ([x], { rows }) => [{ shape: [rows, 2], dtype: x!.dtype }],
      emit: (e, [x], { attrs }) => [e.node('Reshape', [x!, e.ints([attrs.rows, 2])])],
    })
    const program = (op: Op<{ rows: number }>) => (n: number) =>
      trace({ x: [n, 4] }, ({ x }) => ({ y: apply(op, [x], { rows: 2 * n })[0]! }))
    const written = (op: Op<{ rows: number }>) => toOnnx(program(op)(2), {}, { other: program(op)(3) })

    const x = draw(20, 1)
    const open = pairs(() => ({ attrs: { rows: -1 } }))
    const { data, dims } = await runModel(written(open), program(open)(5), { x })
    expect([dims, data]).toEqual([[10, 2], x])
    expect(() => written(pairs(() => ({ why: 'it says so' })))).toThrow(
      'pairs depends on the batch size: it says so',
    )
    expect(() => written(pairs(undefined))).toThrow('pairs depends on the batch size: its attributes do')
  })
})

describe('constants', () => {
  const program = trace({ x: [2, 3], w: [3, 4], b: [4] }, ({ x, w, b }) => ({ y: x.matmul(w).add(b) }))
  const [x, w, b] = [draw(6, 1), draw(12, 2), draw(4, 3)]
  const exact = (w: ArrayLike<number>) =>
    Array.from({ length: 8 }, (_, i) =>
      [0, 1, 2].reduce((sum, k) => sum + x[3 * Math.floor(i / 4) + k]! * w[4 * k + (i % 4)]!, b[i % 4]!),
    )
  const errors: Readonly<Record<Storage, number>> = { fp32: 1e-6, fp16: 2e-3, int8: 3e-2 }
  it.each(Object.keys(STORAGES) as Storage[])(
    'stored in %s are what they were, but for rounding',
    async (storage) => {
      const { data } = await runModel(toOnnx(program, { w, b }, { storage }), program, { x })
      const far = exact(w).map((value, i) => Math.abs(value - data[i]!))
      expect(Math.max(...far)).toBeLessThan(errors[storage])
      if (storage !== 'fp32') expect(Math.max(...far)).toBeGreaterThan(errors[storage] / 100)
    },
  )
})
