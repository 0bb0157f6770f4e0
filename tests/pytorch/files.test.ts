/** What others make of our files: the Python package safetensors, and the ONNX checker. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { METHODS } from '@onestroke/core/consistency'
import {
  type DenoiserConfig,
  denoiseProgram,
  diffusion,
  EDM,
  type Objective,
} from '@onestroke/core/diffusion'
import type { ModelConfig } from '@onestroke/core/formats'
import { type NetworkConfig, networkLayout } from '@onestroke/core/nn'
import { PIXELS } from '@onestroke/core/space'
import { checkpoint, grad, type Program, toOnnx, trace } from '@onestroke/core/tensor'
import type { Vocabulary } from '@onestroke/core/text'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UNTRAINED } from '../../packages/core/src/formats/testing-config.js'
import { opCases } from '../../packages/core/src/tensor/testing.js'
import { caseProgram, listProgram } from '../../packages/core/src/tensor/testing-programs.js'
import { pythonLacks, runPython } from '../../packages/core/src/testing/python.js'
import { saveModel } from '../../packages/onestroke/src/model/index.js'
import { trainingStep } from '../../packages/onestroke/src/training/index.js'
import { CONDITIONS, NETWORK_TYPES, smallNetwork, weightsOf } from './cases.js'

const BATCH = 2
const range = { sigma_min: 0.02, sigma_max: 40, sigma_data: 0.5 }

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onestroke-pytorch-'))
})
afterAll(() => rm(directory, { recursive: true }))

describe('a model folder', () => {
  const lacking = pythonLacks('safetensors', 'numpy')
  const vocabulary: Vocabulary = { kind: 'text', words: ['red', 'heart'], buckets: 16, tokens: 3 }
  const config = (network: NetworkConfig): ModelConfig => ({
    format: 'onestroke/1',
    kind: 'teacher',
    network,
    space: PIXELS,
    ...EDM,
    ...UNTRAINED,
    ...range,
    vocabulary,
  })

  it.for(NETWORK_TYPES)('of a %s is read by the Python package', async (type, context) => {
    context.skip(lacking !== undefined, lacking)
    const network = smallNetwork(type, CONDITIONS.text, true)
    const layout = networkLayout(network)
    const weights = weightsOf(layout)
    const folder = join(directory, type)
    await saveModel(folder, { config: config(network), weights })
    const code = `
import hashlib, json, sys
from safetensors import safe_open
with safe_open(sys.argv[1], framework="np") as file:
  tensors = {name: file.get_tensor(name) for name in file.keys()}
  print(json.dumps([file.metadata(), {name: [str(t.dtype), list(t.shape), hashlib.sha256(t.tobytes()).hexdigest()]
    for name, t in tensors.items()}]))`
    const [metadata, tensors] = runPython<unknown[]>(['-c', code, join(folder, 'model.safetensors')])
    expect(metadata).toEqual({ format: 'onestroke/1', kind: 'teacher' })
    const sha256 = (values: Float32Array) => createHash('sha256').update(values).digest('hex')
    expect(tensors).toEqual(
      Object.fromEntries(
        layout.specs.map(({ name, shape, offset, size }) => [
          name,
          ['float32', shape, sha256(weights.subarray(offset, offset + size))],
        ]),
      ),
    )
  })
})

describe('the ONNX checker accepts', () => {
  const lacking = pythonLacks('onnx')
  const denoiser = (network: NetworkConfig, boundary: boolean): DenoiserConfig => ({
    network,
    ...EDM,
    boundary,
    ...range,
  })
  /** Denoisers with and without baked weights, and the training steps of every objective. */
  const models = (type: NetworkConfig['type']): Record<string, Uint8Array> => {
    const network = smallNetwork(type, CONDITIONS.text, false)
    const guided = denoiseProgram(denoiser(smallNetwork(type, CONDITIONS.class, true), true), BATCH)
    const layout = networkLayout(network)
    const sampling = denoiseProgram(denoiser(network, false), BATCH)
    const step = (objective: Objective, trains: 'student' | 'own' = 'student') => {
      const embedding = { ...network.embedding, jump_embedding: objective.flow_map === true }
      const options = {
        student: denoiser({ ...network, embedding }, objective.boundary),
        ...(objective.teacher && { teacher: denoiser(network, false) }),
        guidance_scale: 2,
        objective,
        options: { ...objective.options, gan: 0.01 },
        batch: BATCH,
      }
      return trainingStep(options, trains)
    }
    return {
      guided: toOnnx(guided),
      sampling: toOnnx(sampling),
      baked: toOnnx(sampling, layout.unflatten(weightsOf(layout))),
      diffusion: toOnnx(step(diffusion as unknown as Objective)),
      ...Object.fromEntries(Object.values(METHODS).map((method) => [method.name, toOnnx(step(method))])),
      second: toOnnx(step(METHODS.dmd!, 'own')),
    }
  }
  /** Checks models, shape inference included: complaints by name. */
  const complaints = async (all: Readonly<Record<string, Uint8Array>>): Promise<Record<string, string>> => {
    const paths = Object.keys(all).map((name) => join(directory, `${name}.onnx`))
    for (const [i, bytes] of Object.values(all).entries()) await writeFile(paths[i]!, bytes)
    const code = `
import json, pathlib, sys, onnx
complaints = {}
for path in sys.argv[1:]:
  try: onnx.checker.check_model(onnx.load(path), full_check=True)
  except Exception as error: complaints[pathlib.Path(path).stem] = str(error)
print(json.dumps(complaints))`
    return runPython(['-c', code, ...paths])
  }

  it.for(NETWORK_TYPES)('samplers and training steps of a %s', async (type, context) => {
    context.skip(lacking !== undefined, lacking)
    expect(await complaints(models(type))).toEqual({})
  })

  it('every op, with its derivatives', async (context) => {
    context.skip(lacking !== undefined, lacking)
    const program = (name: string): Program => {
      const cases = fc.sample(opCases[name]!, { numRuns: 8, seed: 1 })
      const parts = cases.map((one, i) => caseProgram(one, i, `${i}_`))
      return {
        inputs: Object.assign({}, ...parts.map(({ inputs }) => inputs)),
        outputs: Object.assign(
          {},
          ...parts.map(({ inputs, results }, i) => listProgram(inputs, { ...results }, `${i}_`).outputs),
        ),
      }
    }
    const all = Object.keys(opCases).map((name) => [name, toOnnx(program(name))] as const)
    expect(await complaints(Object.fromEntries(all))).toEqual({})
  })

  it('a checkpointed block', async (context) => {
    context.skip(lacking !== undefined, lacking)
    const program = trace({ x: [4, 3], w: [3, 3] }, ({ x, w }) => {
      const y = checkpoint(() => x.matmul(w).silu().matmul(w))
      return { gradient: grad(y.sumSquares(), [w])[0]! }
    })
    expect(await complaints({ checkpointed: toOnnx(program) })).toEqual({})
  })
})
