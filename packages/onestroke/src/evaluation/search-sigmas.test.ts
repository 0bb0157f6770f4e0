import { multistepSigmas } from '@onestroke/core/consistency'
import type { Pipeline, PipelineConfig } from '@onestroke/core/pipeline'
import { describe, expect, it } from 'vitest'
import { toyPipeline } from '../../../core/src/pipeline/testing.js'
import { betterBeyondNoise, pairedLogRatio } from '../metrics/index.js'
import { BATCH } from './judge.js'
import { searchSigmas } from './search-sigmas.js'

/** Two batches, the second not full. */
const SAMPLES = BATCH + 6
const SEEDS = [5, 6, 7]
const SIZE = 2
const RANGE = { sigma_min: 0.01, sigma_max: 80, sigma_data: 0.5 }

/** A student whose answers depend on all that they may depend on. */
const someStudent = (gamma: number, guided: boolean) =>
  toyPipeline({
    shape: { channels: 1, height: SIZE, width: SIZE },
    range: RANGE,
    guided,
    jumps: true,
    sampling: { gamma, guidance_scale: guided ? 1.5 : 1 },
    denoise: ({ x, sigma, s, condition, guidance_scale }) => {
      const by = Math.log(sigma![0]!) + 0.1 * s![0]! + (guidance_scale?.[0] ?? 0)
      return x!.map((value, i) => Math.tanh(value * 0.1 + condition![i >> 2]! + Math.sin(i + by)))
    },
  })

/** What a picture says of itself: the seed of its noise, and the levels that it was painted at. */
interface Told {
  readonly seed: number
  readonly sigmas: readonly number[]
}

const MOST_LEVELS = 4

/** A student whose pictures say what they were painted from, and a judge who reads it. */
const tellingStudent = (fid: (told: Told) => number) => {
  const size = 1 + MOST_LEVELS
  const heard: Told[] = []
  const config = {
    ...RANGE,
    sampling: { gamma: 1 },
    network: { embedding: {} },
  }
  const model: Parameters<typeof searchSigmas>[0] = {
    config: config as unknown as PipelineConfig,
    pictureSize: size,
    codec: { decode: async (points: Float32Array) => points } as Pipeline['codec'],
    // The seed is what painting starts from, and no noise is added later.
    noise: (seed, _first, count, step) =>
      Float32Array.from({ length: count * size }, (_, i) => (step === 0 && i % size === 0 ? seed / 80 : 0)),
    denoiser: async () => async (x, sigma) => {
      const answer = x.slice()
      for (let at = 0; at < x.length; at += size) answer[answer.indexOf(0, at + 1)] = sigma
      return answer
    },
  }
  const judge = {
    samples: BATCH,
    batch: () => Array<string>(BATCH).fill(''),
    fid: async (pictures: Float32Array) => {
      const [seed, ...levels] = pictures.subarray(0, size)
      const told = { seed: Math.round(seed!), sigmas: levels.filter((level) => level > 0).map(digits) }
      heard.push(told)
      return fid(told)
    },
  }
  return { model, judge, heard }
}

/** Levels as they were before they became 32-bit numbers. */
const digits = (level: number) => Number(level.toPrecision(5))
const byRule = (steps: number) => multistepSigmas(steps, RANGE).map(digits)
const same = (a: readonly number[], b: readonly number[]) => String(a) === String(b)

describe('the search for noise levels', () => {
  for (const [gamma, guided] of [
    [1, false],
    [1, true],
    [0.3, false],
    [0, false],
  ] as const)
    it(`tries pictures that are the model’s at gamma ${gamma}${guided ? ', guided' : ''}, and asks it less often`, async () => {
      const { pipeline: model, asked } = someStudent(gamma, guided)
      const batch = (first: number) => Array.from({ length: BATCH }, (_, i) => 'ab'[(first + i) % 2]!)
      const distance = (pictures: Float32Array) => pictures.reduce((sum, value) => sum + (value - 1) ** 2, 0)
      const seen: Float32Array[] = []
      const judge = {
        samples: SAMPLES,
        batch,
        fid: async (pictures: Float32Array) => {
          seen.push(pictures)
          return distance(pictures)
        },
      }
      const found = await searchSigmas(model, judge, { seeds: SEEDS })
      const searched = asked.length

      expect(found.map(({ steps }) => steps)).toEqual([2, 3, 4])
      const whole: Float32Array[] = []
      asked.length = 0
      const fidOf = async (sigmas: readonly number[], seed: number) => {
        const pictures = new Float32Array(SAMPLES * SIZE ** 2)
        for (const first of [0, BATCH]) {
          const { data } = await model.generate({
            prompts: batch(first),
            noise: (step) => model.noise(seed, first, BATCH, step),
            sigmas,
          })
          pictures.set(data.subarray(0, Math.min(BATCH, SAMPLES - first) * SIZE ** 2), first * SIZE ** 2)
        }
        whole.push(pictures)
        return distance(pictures)
      }
      let levels: readonly number[] = [80]
      for (const { steps, sigmas, ratio, better } of found) {
        const tried: { sigmas: number[]; fid: number }[] = []
        for (const sigmas of candidates(levels)) tried.push({ sigmas, fid: await fidOf(sigmas, SEEDS[0]!) })
        const finalists = tried.sort((a, b) => a.fid - b.fid).slice(0, 2)
        expect(finalists.map(({ sigmas }) => sigmas)).toContainEqual(sigmas)
        const rule = model.sigmas(steps)
        const fids: Record<string, number[]> = {}
        for (const seed of SEEDS.slice(1))
          for (const one of [rule, ...finalists.map(({ sigmas }) => sigmas)]) {
            fids[one.join()] ??= []
            fids[one.join()]!.push(await fidOf(one, seed))
          }
        expect(ratio).toEqual(pairedLogRatio(fids[sigmas.join()]!, fids[rule.join()]!))
        expect(better).toBe(betterBeyondNoise(fids[sigmas.join()]!, fids[rule.join()]!))
        levels = better ? sigmas : rule
      }
      expect(seen).toHaveLength(whole.length)
      for (const [i, pictures] of whole.entries()) expect(seen[i]).toEqual(pictures)
      // Jumps to the next level are shared less often.
      expect(searched).toBeLessThan((gamma === 1 ? 0.7 : 0.98) * asked.length)
    })

  /** How hard a seed's noise makes it: far more than levels matter, and for all levels alike. */
  const HARD: Record<number, number> = { 1: 7, 2: 10, 3: 14, 4: 11 }
  const seeds = [1, 2, 3, 4]

  it('takes levels that are better than the rule’s from every noise, and adds the next level to them', async () => {
    const { model, judge } = tellingStudent(
      ({ seed, sigmas }) => HARD[seed]! * (sigmas.includes(1.8) ? 0.8 + seed / 100 : 1),
    )
    const found = await searchSigmas(model, judge, { seeds })
    const logs = [2, 3, 4].map((seed) => Math.log(0.8 + seed / 100))
    for (const { sigmas, ratio, better } of found) {
      expect(better).toBe(true)
      expect(sigmas).toContain(1.8)
      expect(ratio.mean).toBeCloseTo(logs.reduce((sum, log) => sum + log, 0) / 3, 12)
    }
    expect(found[0]!.sigmas).toEqual([80, 1.8])
    // Nothing that is added helps, and nothing has to: what counts is the rule's for as many steps.
    expect(found[1]!.sigmas).toHaveLength(3)
  })

  it('keeps the rule’s where others are better within the noise only, and adds the next level to them', async () => {
    // 5 % better on average, 15 % better or 5 % worse.
    const luck: Record<number, number> = { 1: 0.5, 2: 0.85, 3: 1.05, 4: 0.95 }
    const { model, judge, heard } = tellingStudent(
      ({ seed, sigmas }) => HARD[seed]! * (same(sigmas, byRule(sigmas.length)) ? 1 : luck[seed]!),
    )
    const found = await searchSigmas(model, judge, { seeds })
    for (const { ratio, better } of found) {
      expect(ratio.mean).toBeLessThan(-0.05)
      expect(better).toBe(false)
    }
    const thirds = heard.filter(({ seed, sigmas }) => seed === 1 && sigmas.length === 3)
    expect(thirds).toHaveLength(6)
    for (const { sigmas } of thirds) expect(sigmas).toEqual(expect.arrayContaining(byRule(2)))
  })

  it('does not let the noise decide by which it has shortlisted', async () => {
    // From noises 2 to 4 it is 1.9 standard errors that others are better by; with the first it would be 2.9.
    const luck: Record<number, number> = { 1: 0.98, 2: 0.98, 3: 1, 4: 0.985 }
    const { model, judge } = tellingStudent(({ seed, sigmas }) =>
      same(sigmas, byRule(sigmas.length)) ? 1 : luck[seed]!,
    )
    for (const { better } of await searchSigmas(model, judge, { seeds })) expect(better).toBe(false)
  })

  it('paints every candidate once, and two of them with the rule’s from every other noise', async () => {
    const { model, judge, heard } = tellingStudent(
      ({ seed, sigmas }) => HARD[seed]! * (1 + Math.abs(Math.log(sigmas[1]! / 1.5)) / 10),
    )
    const progress: [number, number][] = []
    await searchSigmas(model, judge, { seeds, onProgress: (done, total) => progress.push([done, total]) })
    const pairs = heard.filter(({ sigmas }) => sigmas.length === 2)
    expect(pairs.map(({ seed, sigmas }) => [seed, sigmas[1]])).toEqual([
      ...[32, 7.7, 1.8, 0.44, 0.1, 0.025].map((level) => [1, level]),
      ...[2, 3, 4].flatMap((seed) => [0.8, 1.8, 0.44].map((level) => [seed, level])),
    ])
    expect(progress.at(-1)).toEqual([45, 45])
    expect(progress.every(([done], i) => i === 0 || done > progress[i - 1]![0])).toBe(true)
  })

  it('uses seeds of its own, and with only one of them leaves all to the rule', async () => {
    const { model, judge, heard } = tellingStudent(({ sigmas }) =>
      same(sigmas, byRule(sigmas.length)) ? 1 : 0.1,
    )
    await searchSigmas(model, judge)
    expect([...new Set(heard.map(({ seed }) => seed))]).toEqual([977, 1977, 2977, 3977])
    for (const { better } of await searchSigmas(model, judge, { seeds: [1] })) expect(better).toBe(false)
  })
})

/** What is tried for one more level: six of them, from 0.4 sigma_max to 0.05 sigma_data. */
const candidates = (levels: readonly number[]): number[][] =>
  Array.from({ length: 6 }, (_, i) => Number((32 * (0.025 / 32) ** (i / 5)).toPrecision(2)))
    .filter((level) => !levels.includes(level))
    .map((level) => [...levels, level].sort((a, b) => b - a))
