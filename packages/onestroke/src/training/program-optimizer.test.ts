/** Optimisers as programs of a runtime, held against the one in WebAssembly; and a whole training by them. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  describeParameters,
  type Layout,
  linear,
  type OptimizerOptions,
  type Scope,
} from '@onestroke/core/nn'
import { Random } from '@onestroke/core/random'
import { input } from '@onestroke/core/tensor'
import { describe, expect, it } from 'vitest'
import { folderOf } from '../data/testing.js'
import { loadModel } from '../model/index.js'
import { nodeRuntime } from '../runtime/index.js'
import { Optimizer } from './optimizer.js'
import { OPTIMIZER_DEFAULTS } from './presets.js'
import { optimizerFor } from './program-optimizer.js'
import { type RunOptions, run } from './run.js'
import { deviceRuntime, runPlan, someData, UNCONDITIONAL, withBlocks } from './testing.js'
import type { Update } from './update.js'

withBlocks(1)

const normals = (size: number, index: number): Float32Array =>
  new Random({ seed: 7, stream: 0, step: 0, index }).fillNormal(new Float32Array(size))

/** Matrices first, last and side by side, with biases between some of them. */
const layout = describeParameters((scope: Scope) => {
  const hidden = linear(scope.at('first'), input('x', [2, 3]), 7).silu()
  const next = linear(scope.at('second'), hidden, 5, { bias: true })
  return linear(scope.at('last'), linear(scope.at('qkv'), next, 6), 4)
})

const ARRAYS = ['parameters', 'exp_avg', 'exp_avg_sq', 'ema', 'target'] as const

/** Ten steps, of which some are clipped and some are not. */
const trained = async (optimizer: Update, { size }: Layout) => {
  const { state } = optimizer
  for (const name of ['parameters', 'ema', 'target'] as const) await state[name]!.write(normals(size, 0))
  const norms: number[] = []
  for (let step = 1; step <= 10; step++) {
    const scale = 10 ** Math.sin(3 * step)
    await state.gradient.write(normals(size, step).map((one) => scale * one))
    const norm = await optimizer.gradientNorm()
    norms.push(norm)
    await optimizer.step(step, 0.02 / step, 0.9, norm)
    await optimizer.updateTarget(0.7)
  }
  expect(await optimizer.isFinite()).toBe(true)
  const arrays = await Promise.all(ARRAYS.map((name) => state[name]!.read()))
  return { norms, arrays: arrays.map((array) => array.slice()) }
}

const cases: [string, Partial<OptimizerOptions>][] = [
  ['adam', { optimizer: 'adam', clip: 5 }],
  ['adam with a penalty, never clipped', { optimizer: 'adam', weight_decay: 0.1, clip: 0 }],
  ['adamw', { optimizer: 'adamw', weight_decay: 0.1, clip: 5 }],
  ['radam, which is adaptive from some step on', { optimizer: 'radam', beta2: 0.9, clip: 5 }],
  ['muon', { optimizer: 'muon', weight_decay: 0.1, clip: 5 }],
]

describe('an optimiser as a program', () => {
  it.each(cases)('gives the numbers of the one in WebAssembly (%s)', async (_, changes) => {
    const options = { ...OPTIMIZER_DEFAULTS, ...changes }
    const [host, device] = await Promise.all([
      optimizerFor(layout, options, nodeRuntime(), { target: true }),
      optimizerFor(layout, options, deviceRuntime(), { target: true }),
    ])
    expect(host).toBeInstanceOf(Optimizer)
    expect(device).not.toBeInstanceOf(Optimizer)
    const [one, other] = [await trained(host, layout), await trained(device, layout)]
    const limit = options.clip || 5
    expect(one.norms.some((norm) => norm > limit) && one.norms.some((norm) => norm < limit)).toBe(true)
    for (const [i, norm] of one.norms.entries()) expect(other.norms[i]! / norm).toBeCloseTo(1, 6)
    for (const [k, array] of one.arrays.entries()) {
      const largest = Math.max(...array.map(Math.abs))
      for (const [i, value] of array.entries())
        expect(Math.abs(other.arrays[k]![i]! - value), `${ARRAYS[k]} ${i}`).toBeLessThan(3e-6 * largest)
    }
    await host.release()
    await device.release()
  })

  it('takes matrices alone, and says where there are none', async () => {
    const alone = describeParameters((scope: Scope) => linear(scope.at('a'), input('x', [2, 3]), 7))
    const options: OptimizerOptions = { ...OPTIMIZER_DEFAULTS, optimizer: 'muon' }
    const [host, device] = [
      await optimizerFor(alone, options, nodeRuntime(), { target: true }),
      await optimizerFor(alone, options, deviceRuntime(), { target: true }),
    ]
    const [one, other] = [await trained(host, alone), await trained(device, alone)]
    for (const [i, value] of one.arrays[0]!.entries()) expect(other.arrays[0]![i]).toBeCloseTo(value, 5)
    const none = describeParameters((scope: Scope) => scope.parameter('bias', [4], 'ones'))
    for (const runtime of [nodeRuntime(), deviceRuntime()])
      await expect(optimizerFor(none, options, runtime)).rejects.toThrow('muon: the network has no matrices')
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'finds %s in any array',
    async (bad) => {
      const optimizer = await optimizerFor(layout, OPTIMIZER_DEFAULTS, deviceRuntime())
      expect(await optimizer.isFinite()).toBe(true)
      for (const name of ['parameters', 'exp_avg', 'exp_avg_sq', 'ema'] as const) {
        const array = await optimizer.state[name].read()
        await optimizer.state[name].write(array.map((value, i) => (i === 5 ? bad : value)))
        expect(await optimizer.isFinite()).toBe(false)
        await optimizer.state[name].write(array)
      }
      expect(await optimizer.isFinite()).toBe(true)
      await optimizer.state.gradient.write(new Float32Array(layout.size).fill(bad))
      expect(await optimizer.gradientNorm()).not.toBeLessThan(Number.POSITIVE_INFINITY)
      await optimizer.release()
    },
  )

  it('rehearses a step without taking it', async () => {
    const optimizer = await optimizerFor(
      layout,
      { ...OPTIMIZER_DEFAULTS, optimizer: 'muon' },
      deviceRuntime(),
    )
    const { state } = optimizer
    const names = ['parameters', 'exp_avg', 'exp_avg_sq', 'ema'] as const
    for (const [i, name] of names.entries()) await state[name].write(normals(layout.size, i).map(Math.abs))
    await state.gradient.write(new Float32Array(layout.size).fill(Number.NaN))
    await optimizer.rehearse()
    for (const [i, name] of names.entries())
      expect(await state[name].read()).toEqual(normals(layout.size, i).map(Math.abs))
    await optimizer.release()
  })
})

describe('a run on a device', () => {
  const options = (directory: string, changes: Partial<RunOptions> = {}): RunOptions => ({
    directory,
    plan: runPlan({ checks: 2, optimizer: { ...OPTIMIZER_DEFAULTS, optimizer: 'muon' } }),
    dataset: someData(),
    vocabulary: UNCONDITIONAL,
    runtime: deviceRuntime(),
    checkpoint_every: 1e9,
    // The first check is the better one, beyond the noise: its weights are the model's.
    check: async (model) => ({
      fid: { 1: 1 },
      scores: [1, 1.1].map((score) => score * model.config.provenance.images_seen),
      teacher_distance: null,
    }),
    ...changes,
  })

  it('comes near the one in host memory, and is the same however often it was stopped', async () => {
    const [whole, parts, host] = [await folderOf({}), await folderOf({}), await folderOf({})]
    await run(options(whole))
    let steps = 0
    await run(options(parts, { shouldStop: () => steps++ >= 8, checkpoint_every: 0 }))
    await run(options(parts))
    const bytes = (folder: string) => readFile(join(folder, 'model.safetensors'))
    expect(await bytes(parts)).toEqual(await bytes(whole))
    await run(options(host, { runtime: nodeRuntime() }))
    const [one, other] = [await loadModel(host), await loadModel(whole)]
    const square = (values: Float32Array) => values.reduce((sum, value) => sum + value ** 2, 0)
    const apart = square(one.weights.map((value, i) => value - other.weights[i]!)) / square(one.weights)
    expect(Math.sqrt(apart)).toBeLessThan(1e-3)
  })
})
