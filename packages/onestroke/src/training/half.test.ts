import { METHODS } from '@onestroke/core/consistency'
import { type HourglassConfig, type NetworkConfig, networkLayout } from '@onestroke/core/nn'
import { buildTextVocabulary } from '@onestroke/core/text'
import { describe, expect, it, vi } from 'vitest'
import { folderOf } from '../data/testing.js'
import { loadModel, Model } from '../model/index.js'
import { nodeRuntime } from '../runtime/index.js'
import { halved } from './half.js'
import { presetNetwork } from './presets.js'
import { run } from './run.js'
import { runPlan, someData } from './testing.js'

vi.setConfig({ testTimeout: 300_000 })

const network = presetNetwork('base', { channels: 3, height: 32, width: 32 }, { kind: 'none' })
/** The levels of an hourglass. */
const levelsOf = (config: NetworkConfig) => (config as HourglassConfig).levels
const depths = (config: NetworkConfig) => levelsOf(config).map(({ depth }) => depth)

describe('half of a teacher', () => {
  it('has half of its blocks, rounded up, and is as wide', () => {
    const half = halved(network).network
    expect([depths(network), depths(half)]).toEqual([
      [1, 2, 4],
      [1, 1, 2],
    ])
    expect(levelsOf(half).map(({ width }) => width)).toEqual(levelsOf(network).map(({ width }) => width))
  })

  it('begins as every second one of them, and as all that is no block', () => {
    const { network: less, from } = halved(network)
    const [whole, half] = [networkLayout(network), networkLayout(less)]
    const values = Float32Array.from({ length: whole.size }, (_, i) => i + 1)
    const flat = new Float32Array(half.size)
    half.adopt(flat, whole, values, from)
    expect(flat.every((value) => value > 0)).toBe(true)
    const [there, here] = [whole.unflatten(values), half.unflatten(flat)]
    const [of, as] = ['levels.2.down.1.qkv.weight', 'levels.2.down.2.qkv.weight']
    expect(here[of]).toEqual(there[as])
    for (const same of ['levels.1.up.0.out.weight', 'levels.1.split.weight', 'input.weight'])
      expect(here[same]).toEqual(there[same])
  })

  it('is none of a U-Net', () => {
    const unet = presetNetwork('unet', { channels: 3, height: 32, width: 32 }, { kind: 'none' })
    expect(() => halved(unet)).toThrow(
      'half of the blocks can be left out of a network of type hourglass, not of type unet',
    )
  })

  it('learns from it, and paints', async () => {
    const dataset = someData()
    const vocabulary = buildTextVocabulary(dataset.names)
    const runtime = nodeRuntime()
    const [above, below] = [await folderOf({}), await folderOf({})]
    const options = { dataset, vocabulary, runtime, checkpoint_every: 1e9 }
    await run({ ...options, directory: above, plan: runPlan() })
    const teacher = await loadModel(above)
    const method_options = { ...METHODS.ecd!.options }
    const plan = runPlan({ command: 'distill', method: 'ecd', method_options, preset: 'half' })
    await run({ ...options, directory: below, plan, teacher })
    const student = await Model.load(below, runtime)
    expect(depths(student.config.network)).toEqual([1, 1])
    expect(student.config.provenance.preset).toBe('half')
    const { data } = await student.generate({ prompts: ['red round'], num_inference_steps: 1 })
    expect(data.every(Number.isFinite)).toBe(true)
    await student.release()
  })
})
