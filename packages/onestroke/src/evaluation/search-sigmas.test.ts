import { Pipeline, type PipelineConfig } from '@onestroke/core/pipeline'
import { describe, expect, it } from 'vitest'
import { BATCH } from './judge.js'
import { searchSigmas } from './search-sigmas.js'

/** Two batches, the second not full. */
const SAMPLES = BATCH + 6
const SEED = 5
const SIZE = 2

/** A student whose answers depend on all that they may depend on, and that counts how often it is asked. */
const someStudent = (gamma: number, guidance_embedding: boolean) => {
  const asked = { times: 0 }
  const config = {
    ...{ kind: 'student', sigma_min: 0.01, sigma_max: 80, sigma_data: 0.5 },
    network: {
      ...{ resolution: SIZE, channels: 1 },
      embedding: { condition: { kind: 'class', classes: 2 }, guidance_embedding, jump_embedding: true },
    },
    vocabulary: { kind: 'class', classes: ['a', 'b'] },
    sampling: {
      ...{ solver: 'consistency', num_inference_steps: 1, sigmas: {}, gamma },
      guidance_scale: guidance_embedding ? 1.5 : 1,
    },
  } as unknown as PipelineConfig
  const model = new Pipeline(config, {
    executable: async () => ({
      inputs: {},
      outputs: {},
      release: async () => {},
      run: async (inputs) => {
        const { x, sigma, s, condition, guidance_scale } = inputs as Record<string, Float32Array>
        asked.times++
        const by = Math.log(sigma![0]!) + 0.1 * s![0]! + (guidance_scale?.[0] ?? 0)
        const denoised = x!.map((value, i) => Math.tanh(value * 0.1 + condition![i >> 2]! + Math.sin(i + by)))
        return { denoised }
      },
    }),
    release: async () => {},
  })
  return { model, asked }
}

describe('the search for noise levels', () => {
  for (const [gamma, guided] of [
    [1, false],
    [1, true],
    [0.3, false],
    [0, false],
  ] as const)
    it(`tries pictures that are the model’s at gamma ${gamma}${guided ? ', guided' : ''}, and asks it less often`, async () => {
      const { model, asked } = someStudent(gamma, guided)
      const batch = (first: number) => Array.from({ length: BATCH }, (_, i) => 'ab'[(first + i) % 2]!)
      const seen: Float32Array[] = []
      const judge = {
        ...{ samples: SAMPLES, seed: SEED, batch },
        fid: async (pictures: Float32Array) => {
          seen.push(pictures)
          return pictures.reduce((sum, value) => sum + (value - 0.3) ** 2, 0)
        },
      }
      const found = await searchSigmas(model, judge)
      const searched = asked.times

      expect(Object.keys(found)).toEqual(['1', '2', '3', '4'])
      const whole: { sigmas: number[]; pictures: Float32Array }[] = []
      asked.times = 0
      let levels = [80]
      for (let steps = 2; steps <= 4; steps++) {
        const tried = candidates(levels)
        const scores: number[] = []
        for (const sigmas of tried) {
          const pictures = new Float32Array(SAMPLES * SIZE ** 2)
          for (const first of [0, BATCH]) {
            const { data } = await model.generate({ prompts: batch(first), seed: SEED, first, sigmas })
            pictures.set(data.subarray(0, Math.min(BATCH, SAMPLES - first) * SIZE ** 2), first * SIZE ** 2)
          }
          whole.push({ sigmas, pictures })
          scores.push(pictures.reduce((sum, value) => sum + (value - 0.3) ** 2, 0))
        }
        levels = tried[scores.indexOf(Math.min(...scores))]!
        expect(found[steps]).toEqual(levels)
      }
      expect(seen).toHaveLength(whole.length)
      for (const [i, { pictures }] of whole.entries()) expect(seen[i]).toEqual(pictures)
      // Jumps to the next level are shared less often.
      expect(searched).toBeLessThan((gamma === 1 ? 0.65 : 0.95) * asked.times)
    })
})

/** What is tried for one more level: ten of them, from 0.4 sigma_max to 0.05 sigma_data. */
const candidates = (levels: readonly number[]): number[][] =>
  Array.from({ length: 10 }, (_, i) => Number((32 * (0.025 / 32) ** (i / 9)).toPrecision(2)))
    .filter((level) => !levels.includes(level))
    .map((level) => [...levels, level].sort((a, b) => b - a))
