/** Models of many words take the entries of a prompt in place of dense bags, and paint what they would with those. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expectedInputs, type GenerateOptions, Pipeline } from '@onestroke/core/pipeline'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { loadModel, Model } from '../model/index.js'
import { withMoreWords } from '../model/testing.js'
import { exportModel, openPipeline } from './index.js'

vi.setConfig({ testTimeout: 120_000 })
const folder = await mkdtemp(join(tmpdir(), 'onestroke-large-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

const prompts = ['red heart', 'cat face', '', 'an unknwn word']
const asked: readonly (readonly [string, Partial<GenerateOptions>])[] = [
  ['as it is', {}],
  ['guided, away from a word', { guidance_scale: 3, negative_prompt: 'blue' }],
  ['on the way to another prompt', { to: { prompt: 'owl', weights: [0, 0.4, 0.8, 1] } }],
]
const pictures = async (pipeline: Pick<Pipeline, 'generate'>): Promise<number[][]> => {
  const all: number[][] = []
  for (const [, how] of asked) all.push([...(await pipeline.generate({ prompts, seed: 3, ...how })).data])
  return all
}
const farthest = (a: readonly number[][], b: readonly number[][]) =>
  a.map((one, i) => Math.max(...one.map((value, k) => Math.abs(value - b[i]![k]!))))

describe('a model of 50,000 words', async () => {
  const small = await loadModel('models/emoji-16-guided')
  const large = withMoreWords(small, 50_000)
  const model = Model.of(small)
  const expected = await pictures(model)
  await model.release()

  it('paints what it paints with fewer words', async () => {
    const model = Model.of(large)
    for (const far of farthest(await pictures(model), expected)) expect(far).toBeLessThan(1e-4)
    await model.release()
  })

  it('is exported with inputs that do not grow with its vocabulary', async () => {
    const { manifest } = await exportModel({ model: large, out: folder, dtype: 'fp32' })
    expect(manifest.graphs.denoiser.inputs).toMatchObject({
      entries: [null, 256],
      entry_weights: [null, 8, 256],
      negative_entries: [null, 256],
      negative_entry_weights: [null, 8, 256],
    })
    const pipeline = await openPipeline(folder, { threads: 1 })
    for (const far of farthest(await pictures(pipeline), expected)) expect(far).toBeLessThan(1e-4)
    await pipeline.release()
  })

  it('paints the same from an export of an earlier version, which takes dense bags', async () => {
    const { network } = large.config
    const { vocabulary_size, tokens } = network.embedding.condition as {
      vocabulary_size: number
      tokens: number
    }
    const bags = [null, tokens, vocabulary_size]
    const { x, sigma } = { x: [null, 3, 16, 16], sigma: [null] }
    const inputs = { x, sigma, guidance_scale: [null], condition: bags, negative: bags }
    const now = { x, sigma, guidance_scale: [null], entries: [], entry_weights: [], negative_entries: [] }
    expect(expectedInputs({ network, inputs }, now)).toEqual(inputs)
    // The earlier graph: dense bags of the large vocabulary, without the words that are new, are those of the small one.
    const model = Model.of(small)
    const size = vocabulary_size - 50_000
    const own = 1 + (small.config.vocabulary as { words: string[] }).words.length
    const withoutMore = (dense: Float32Array) => {
      const rows = dense.length / vocabulary_size
      const out = new Float32Array(rows * size)
      for (let row = 0; row < rows; row++) {
        const from = dense.subarray(row * vocabulary_size, (row + 1) * vocabulary_size)
        out.set(from.subarray(0, own), row * size)
        out.set(from.subarray(own + 50_000), row * size + own)
      }
      return out
    }
    const bagsOfRuns: unknown[] = []
    const config = { ...large.config, graphs: { denoiser: { inputs } } }
    const pipeline = new Pipeline(config, {
      async executable(graph, batch) {
        const executable = await model.source.executable(graph, batch)
        return {
          run: ({ condition, negative, ...rest }) => {
            bagsOfRuns.push(condition)
            return executable.run({
              ...rest,
              condition: withoutMore(condition as Float32Array),
              negative: withoutMore(negative as Float32Array),
            })
          },
          release: () => executable.release(),
        }
      },
      release: () => model.release(),
    })
    for (const far of farthest(await pictures(pipeline), expected)) expect(far).toBeLessThan(1e-5)
    // All evaluations of a batch read the same bags.
    bagsOfRuns.length = 0
    await pipeline.generate({ prompts, num_inference_steps: 3 })
    expect(bagsOfRuns).toHaveLength(3)
    expect(new Set(bagsOfRuns).size).toBe(1)
    await pipeline.release()
  })
})
