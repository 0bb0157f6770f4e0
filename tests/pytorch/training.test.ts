/** Whole training steps, with optimiser and moving average, against PyTorch. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DenoiserConfig, diffusion, EDM, type Objective } from '@onestroke/core/diffusion'
import { parseSafetensors, serializeSafetensors, toFloat32, withStoredNetwork } from '@onestroke/core/formats'
import { type NetworkConfig, networkLayout } from '@onestroke/core/nn'
import { describe, expect, it } from 'vitest'
import { pythonLacks, runPython } from '../../packages/core/src/testing/python.js'
import { nodeRuntime } from '../../packages/onestroke/src/runtime/index.js'
import { OPTIMIZER_DEFAULTS, Optimizer, trainingStep } from '../../packages/onestroke/src/training/index.js'
import { batchOf, CONDITIONS, distance, NETWORK_TYPES, smallNetwork, weightsOf } from './cases.js'

const BATCH = 4
const STEPS = 10
/** Adam divides by the size of gradients, those near 0 too, of which little but the rounding is known. */
const ERROR = 1e-4
const SETTINGS = { learning_rate: 3e-3, ema_decay: 0.7, threads: 1 }
// A larger eps than the default, for the same reason.
const optimizer_options = { ...OPTIMIZER_DEFAULTS, eps: 1e-4 }

const denoiser = (type: NetworkConfig['type']): DenoiserConfig => ({
  network: smallNetwork(type, CONDITIONS.text, false),
  ...EDM,
  sigma_min: 0.02,
  sigma_max: 40,
  sigma_data: 0.5,
})

/** Trains on one batch; the losses on the way, and the moving average at the end. */
const train = async (config: DenoiserConfig) => {
  const layout = networkLayout(config.network)
  const optimizer = new Optimizer(layout.size, optimizer_options)
  const { parameters, gradient, ema } = optimizer
  parameters.set(weightsOf(layout))
  ema.set(parameters)
  const objective = diffusion as unknown as Objective
  const program = trainingStep({
    student: config,
    guidance_scale: 1,
    objective,
    options: diffusion.options,
    batch: BATCH,
  })
  const executable = await nodeRuntime({ threads: 1 }).compile(program)
  // What the diffusion loss does not look at is 0, but every picture counts once.
  const unused = Object.entries(program.inputs).map(([name, { size }]) => [
    name,
    new Float32Array(size).fill(name === 'weight' ? 1 : 0),
  ])
  const batch = {
    ...Object.fromEntries(unused),
    total_weight: Float32Array.of(BATCH),
    ...batchOf(config.network, BATCH),
  }
  const losses: number[] = []
  for (let i = 1; i <= STEPS; i++) {
    const { loss } = await executable.run({ ...batch, parameters }, { gradient })
    losses.push(loss![0]!)
    await optimizer.step(i, SETTINGS.learning_rate, SETTINGS.ema_decay, optimizer.gradientNorm())
  }
  await executable.release()
  return { losses, ema }
}

/** The same in PyTorch. */
const trainThere = async (config: DenoiserConfig, directory: string) => {
  const layout = networkLayout(config.network)
  const weights = weightsOf(layout)
  const { x0, noise, t, condition } = batchOf(config.network, BATCH)
  const { channels, height, width } = config.network
  const pictures = [BATCH, channels, height, width]
  const { tokens, vocabulary_size } = CONDITIONS.text as { tokens: number; vocabulary_size: number }
  const dtype = 'F32' as const
  const tensors = serializeSafetensors([
    ...layout.specs.map(({ name, shape, offset, size }) => ({
      name: `weights.${name}`,
      dtype,
      shape,
      data: weights.subarray(offset, offset + size),
    })),
    { name: 'batches.0.x0', dtype, shape: pictures, data: x0! },
    { name: 'batches.0.noise', dtype, shape: pictures, data: noise! },
    { name: 'batches.0.t', dtype, shape: [BATCH], data: t! },
    { name: 'batches.0.condition', dtype, shape: [BATCH, tokens, vocabulary_size], data: condition! },
  ])
  await writeFile(join(directory, 'tensors.safetensors'), tensors)
  const job = { config: withStoredNetwork(config), optimizer: optimizer_options, ...SETTINGS }
  await writeFile(join(directory, 'job.json'), JSON.stringify(job))
  const script = fileURLToPath(new URL('./training.py', import.meta.url))
  const losses = runPython<number[]>([script, directory, String(STEPS)])
  const ema = parseSafetensors(await readFile(join(directory, 'ema.safetensors'))).tensors
  return { losses, ema: layout.specs.flatMap(({ name }) => [...toFloat32(ema.get(name)!)]) }
}

const lacking = pythonLacks('torch', 'safetensors', 'numpy')

describe('training agrees with PyTorch', { timeout: 300_000 }, () => {
  it.for(NETWORK_TYPES)('of a %s', async (type, context) => {
    context.skip(lacking !== undefined, lacking)
    const config = denoiser(type)
    const directory = await mkdtemp(join(tmpdir(), 'onestroke-pytorch-'))
    const [ours, theirs] = [await train(config), await trainThere(config, directory)]
    await rm(directory, { recursive: true })
    const start = weightsOf(networkLayout(config.network))
    const moved = (ema: ArrayLike<number>) => Array.from(ema, (value, i) => value - start[i]!)
    const errors = {
      losses: distance(ours.losses, theirs.losses),
      change: distance(moved(ours.ema), moved(theirs.ema)),
    }
    console.log(
      `${type}, ${STEPS} steps: distance of the losses ${errors.losses.toExponential(1)}, of the change of the weights ${errors.change.toExponential(1)}`,
    )
    expect(ours.losses.length).toBe(theirs.losses.length)
    expect(ours.losses.at(-1)).toBeLessThan(ours.losses[0]!)
    expect(errors.losses).toBeLessThanOrEqual(ERROR)
    expect(errors.change).toBeLessThanOrEqual(ERROR)
  })
})
