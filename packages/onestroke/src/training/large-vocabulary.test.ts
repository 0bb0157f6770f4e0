/** What a vocabulary of 50,000 entries takes of a training's memory, and that the training comes to something. */

import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EDM } from '@onestroke/core/diffusion'
import { networkLayout } from '@onestroke/core/nn'
import type { Vocabulary } from '@onestroke/core/text'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { Model } from '../model/index.js'
import { nodeRuntime } from '../runtime/index.js'
import { peakBytes } from './memory.js'
import { objectiveNamed } from './objectives.js'
import { presetNetwork } from './presets.js'
import { run } from './run.js'
import { trainingStep } from './step.js'
import { batchPlan, runPlan, someData } from './testing.js'

vi.setConfig({ testTimeout: 120_000 })
const folder = await mkdtemp(join(tmpdir(), 'onestroke-vocabulary-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

const SIZE = 50_000
/** So many entries, the words of the data among them. */
const vocabularyOf = (size: number): Vocabulary => {
  const known = ['red', 'green', 'blue', 'round', 'square', 'dotted']
  const others = Array.from({ length: size - 1 - 1024 - known.length }, (_, i) => `other${i}`)
  return { kind: 'text', words: [...known, ...others], buckets: 1024, tokens: 8 }
}

describe('a training with 50,000 words', () => {
  const stepOf = (size: number) => {
    const network = presetNetwork('tiny', { channels: 1, height: 8, width: 8 }, vocabularyOf(size))
    const { range, options } = batchPlan()
    const student = { ...range, network, ...EDM }
    const objective = objectiveNamed('diffusion')
    const program = trainingStep({ student, guidance_scale: 1, objective, options, batch: 64 })
    return { program, layout: networkLayout(network) }
  }

  it('takes memory for its word vectors, and none for what a prompt does not have', () => {
    const [large, less] = [stepOf(SIZE), stepOf(SIZE / 10)]
    const bytes = ['entries', 'entry_weights', 'negative_entries', 'negative_entry_weights'].map((name) => {
      const { size, dtype } = large.program.inputs[name]!
      return size * (dtype === 'int64' ? 8 : 4)
    })
    expect(bytes.reduce((a, b) => a + b)).toBeLessThan(2e6)
    // The slice of the flat parameters, its gradient, and the flat gradient that it is put into.
    const vectors = 4 * (large.layout.size - less.layout.size)
    expect(peakBytes(large.program) - peakBytes(less.program)).toBeLessThanOrEqual(4 * vectors)
    // A dense bag alone would have been this large.
    expect(4 * vectors).toBeLessThan(0.3 * 4 * 64 * 8 * SIZE)
  })

  it('learns, comes to the same bits again, and paints', async () => {
    const runtime = nodeRuntime({ threads: 2 })
    const trained = async () => {
      const directory = await mkdtemp(join(folder, 'run-'))
      const losses: number[] = []
      const { sha256 } = await run({
        directory,
        dataset: someData(),
        vocabulary: vocabularyOf(SIZE),
        runtime,
        checkpoint_every: 1e9,
        plan: runPlan({ batch: 8, images: 80 }),
        onStep: ({ loss }) => losses.push(loss),
      })
      return { sha256, losses, directory }
    }
    const [one, two] = [await trained(), await trained()]
    expect(two).toMatchObject({ sha256: one.sha256, losses: one.losses })
    const mean = (list: readonly number[]) => list.reduce((a, b) => a + b) / list.length
    expect(mean(one.losses.slice(-5))).toBeLessThan(mean(one.losses.slice(0, 5)))
    const model = await Model.load(one.directory)
    const { data } = await model.generate({ prompts: ['red square', 'other7'], num_inference_steps: 2 })
    await model.release()
    const picture = (i: number) =>
      createHash('sha256')
        .update(data.subarray(64 * i, 64 * (i + 1)))
        .digest('hex')
    expect(picture(0)).not.toBe(picture(1))
  })
})
