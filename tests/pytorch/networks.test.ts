/** Every network, the denoiser and the diffusion loss, with gradients, against PyTorch. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DenoiserConfig, diffusion, EDM, networkDenoiser } from '@onestroke/core/diffusion'
import { serializeSafetensors, withStoredNetwork } from '@onestroke/core/formats'
import { flatScope, type NetworkConfig, network, networkInputShapes, networkLayout } from '@onestroke/core/nn'
import { constant, grad, type Program, type Tensor, trace } from '@onestroke/core/tensor'
import type { PromptShape } from '@onestroke/core/text'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pythonLacks, runPython } from '../../packages/core/src/testing/python.js'
import { nodeRuntime } from '../../packages/onestroke/src/runtime/index.js'
import { batchOf, CONDITIONS, smallNetwork, TYPES, weightsOf } from './cases.js'

const BATCH = 3
const OUTPUT_ERROR = 1e-5
const GRADIENT_ERROR = 1e-4

const kinds = Object.keys(CONDITIONS) as PromptShape['kind'][]
const denoiserOf = (network: NetworkConfig): DenoiserConfig => ({
  network,
  ...EDM,
  sigma_min: 0.02,
  sigma_max: 40,
  sigma_data: 0.5,
})
const cases = TYPES.flatMap((type) =>
  kinds.flatMap((kind) =>
    [false, true].map((guidance) => ({
      name: `${type.replaceAll(' ', '-')}-${kind}${guidance ? '-guidance' : ''}`,
      config: denoiserOf(smallNetwork(type, CONDITIONS[kind], guidance)),
    })),
  ),
)
// 12×20 tokens, then 6×10 and 3×5, in windows of 6×5 at first.
for (const type of TYPES) {
  const wide = { height: 24, width: 40, window: 8 }
  cases.push({
    name: `${type.replaceAll(' ', '-')}-wide`,
    config: denoiserOf(smallNetwork(type, CONDITIONS.text, false, wide)),
  })
}

/** The raw network, the denoiser with and without the consistency boundary, the diffusion loss of each picture, and the gradient. */
const everything = (config: DenoiserConfig): Program => {
  const layout = networkLayout(config.network)
  const { x, c_noise, ...conditions } = networkInputShapes(config.network, BATCH)
  const specs = { parameters: [layout.size], x0: x!, noise: x!, t: c_noise!, r: c_noise!, ...conditions }
  return trace(specs, (inputs: Record<string, Tensor>) => {
    const { x0, noise, t, r } = inputs as Record<'x0' | 'noise' | 't' | 'r', Tensor>
    const scope = flatScope(layout, inputs.parameters!)
    const given = Object.fromEntries(Object.keys(conditions).map((name) => [name, inputs[name]!]))
    const { c_jump, ...condition } = given
    // c_jump = 2/π·atan(s/sigma_data)
    const angle = c_jump?.mul(Math.PI / 2)
    const jump = angle && { s: angle.sin().div(angle.cos()).mul(config.sigma_data) }
    const denoise = (boundary: boolean) =>
      networkDenoiser(scope, { ...config, boundary }).denoise(x0, t, { ...condition, ...jump })
    const student = networkDenoiser(scope, config)
    const progress = constant(0)
    const context = { student, target: student, x0, noise, t, r, s: r, progress }
    const losses = diffusion.loss({ ...context, condition: { ...condition, ...jump } }, diffusion.options)
    return {
      network: network(scope, { x: x0, c_noise: t.log().mul(0.25), ...given }, config.network),
      edm: denoise(false),
      consistency: denoise(true),
      losses,
      gradient: grad(losses.mean(), [inputs.parameters!])[0]!,
    }
  })
}

/** Runs a case here and writes inputs and results for `compare.py`. */
const writeCase = async (directory: string, name: string, config: DenoiserConfig): Promise<void> => {
  const layout = networkLayout(config.network)
  const parameters = weightsOf(layout)
  const inputs = batchOf(config.network, BATCH)
  const program = everything(config)
  const executable = await nodeRuntime({ threads: 1 }).compile(program)
  const { gradient, ...outputs } = await executable.run({ parameters, ...inputs })
  await executable.release()
  const named = (prefix: string, tensors: Readonly<Record<string, Tensor>>, values: typeof inputs) =>
    Object.entries(values).map(([key, data]) => ({
      name: `${prefix}.${key}`,
      dtype: 'F32' as const,
      shape: tensors[key]!.shape,
      data,
    }))
  const flat = (prefix: string, values: Float32Array) =>
    layout.specs.map(({ name, shape, offset, size }) => ({
      name: `${prefix}.${name}`,
      dtype: 'F32' as const,
      shape,
      data: values.subarray(offset, offset + size),
    }))
  const bytes = serializeSafetensors([
    ...flat('weights', parameters),
    ...flat('gradients', gradient!),
    ...named('inputs', program.inputs, inputs),
    ...named('outputs', program.outputs, outputs),
  ])
  await writeFile(join(directory, `${name}.safetensors`), bytes)
  await writeFile(join(directory, `${name}.json`), JSON.stringify(withStoredNetwork(config)))
}

type Errors = Record<'outputs' | 'gradients', Record<string, number>>
type Report = Record<string, Record<'float64' | 'float32', Errors>>

const lacking = pythonLacks('torch', 'safetensors', 'numpy')

describe('networks, denoiser and diffusion loss agree with PyTorch', () => {
  let directory: string
  let report: Report = {}
  beforeAll(async () => {
    if (lacking) return
    directory = await mkdtemp(join(tmpdir(), 'onestroke-pytorch-'))
    for (const { name, config } of cases) await writeCase(directory, name, config)
    report = runPython<Report>([fileURLToPath(new URL('./compare.py', import.meta.url)), directory])
    const worst = (kind: keyof Errors, precision: 'float64' | 'float32') =>
      Math.max(...Object.values(report).flatMap((one) => Object.values(one[precision][kind]))).toExponential(
        1,
      )
    for (const precision of ['float64', 'float32'] as const)
      console.log(
        `largest error against PyTorch in ${precision}: outputs ${worst('outputs', precision)}, gradients ${worst('gradients', precision)}`,
      )
  }, 300_000)
  afterAll(async () => {
    if (directory) await rm(directory, { recursive: true })
  })

  it.for(cases)('$name', ({ name, config }, context) => {
    context.skip(lacking !== undefined, lacking)
    const parameters = networkLayout(config.network).specs.map((spec) => spec.name)
    for (const precision of ['float64', 'float32'] as const) {
      const { outputs, gradients } = report[name]![precision]
      expect(Object.keys(outputs).sort()).toEqual(['consistency', 'edm', 'losses', 'network'])
      expect(Object.keys(gradients).sort()).toEqual(parameters.sort())
      for (const [what, error] of Object.entries(outputs))
        expect(error, `${what}, ${precision}`).toBeLessThanOrEqual(OUTPUT_ERROR)
      for (const [what, error] of Object.entries(gradients))
        expect(error, `gradient of ${what}, ${precision}`).toBeLessThanOrEqual(GRADIENT_ERROR)
    }
  })
})
