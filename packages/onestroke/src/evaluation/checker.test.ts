import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Pipeline, type PipelineConfig } from '@onestroke/core/pipeline'
import { toOnnx, trace } from '@onestroke/core/tensor'
import { describe, expect, it } from 'vitest'
import { type Dataset, sealed } from '../data/index.js'
import { folderOf } from '../data/testing.js'
import { frechetDistance } from '../metrics/index.js'
import type { Model } from '../model/index.js'
import { CHECK_SEEDS, picturesOfSeed, qualityChecker } from './checker.js'
import { pictureOf } from './distort.js'
import { FeatureExtractor } from './features.js'
import { BATCH } from './judge.js'

const SIZE = 4

/** Pictures of 4×4, each of its own grey, whose class is told by the grey. */
const someDataset = (count: number): Dataset => {
  const pixels = new Uint8Array(new SharedArrayBuffer(count * SIZE ** 2))
  for (const i of pixels.keys()) pixels[i] = (Math.floor(i / SIZE ** 2) * 7 + ((i * i) % 31)) % 256
  return sealed({
    name: 'greys',
    count,
    channels: 1,
    height: SIZE,
    width: SIZE,
    pixels,
    skipped: [],
    names: Array.from({ length: count }, (_, i) => `picture ${i}`),
    styles: Array.from({ length: count }, (_, i) => `style ${i}`),
    classes: ['a', 'b'],
    labels: Int32Array.from({ length: count }, (_, i) => i % 2),
  })
}

/** A student whose answers depend on the noise, its level and the class, and that counts how often it is asked. */
const someStudent = (gamma: number) => {
  const asked = { times: 0 }
  const config = {
    kind: 'student',
    sigma_min: 0.01,
    sigma_max: 80,
    sigma_data: 0.5,
    network: {
      resolution: SIZE,
      channels: 1,
      embedding: {
        condition: { kind: 'class', classes: 2 },
        guidance_embedding: false,
        jump_embedding: gamma < 1,
      },
    },
    vocabulary: { kind: 'class', classes: ['a', 'b'] },
    sampling: { solver: 'consistency', num_inference_steps: 1, sigmas: {}, gamma, guidance_scale: 1 },
  } as unknown as PipelineConfig
  const model = new Pipeline(config, {
    executable: async () => ({
      inputs: {},
      outputs: {},
      release: async () => {},
      run: async (inputs) => {
        const { x, sigma, condition } = inputs as Record<string, Float32Array>
        asked.times++
        const entries = (condition!.length * SIZE ** 2) / x!.length
        const scale = 1 / Math.hypot(sigma![0]!, 0.5)
        const denoised = x!.map((value, i) =>
          Math.tanh(value * scale + condition![(i >> 4) * entries]! + Math.sin(i % 16)),
        )
        return { denoised }
      },
    }),
    release: async () => {},
  })
  return { model, asked }
}

/** An ONNX file whose features are the pixels. */
const pixelFeatures = async (): Promise<string> => {
  const program = trace({ x: [BATCH, 1, SIZE, SIZE] }, ({ x }) => ({
    features: x!.reshape([BATCH, SIZE ** 2]),
  }))
  const file = join(await folderOf({}), 'pixels.onnx')
  await writeFile(file, toOnnx(program))
  return file
}

describe('the quality on the way', () => {
  const withoutNames = ({ names, styles, ...pictures }: Dataset): Dataset => pictures
  const dataset = withoutNames(someDataset(1100))

  for (const gamma of [1, 0.3])
    it(`is the mean distance from two noises, each judged by pictures of its own, at gamma ${gamma}`, async () => {
      const { model, asked } = someStudent(gamma)
      const file = await pixelFeatures()
      const check = await qualityChecker(dataset, { file })
      const found = await check(model as unknown as Model)
      // The first step of 1, 2 and 4 is one, where nothing that follows changes it.
      expect(asked.times).toBe(CHECK_SEEDS.length * (512 / BATCH) * (gamma === 1 ? 5 : 7))

      const extractor = await FeatureExtractor.open(await readFile(file), '')
      const fids: number[][] = []
      for (const [i, seed] of CHECK_SEEDS.entries()) {
        const own = picturesOfSeed(dataset, i)
        const pictures = Float32Array.from(
          Array.from(own.labels!, (_, row) => [...pictureOf(own, row)]).flat(),
        )
        const real = await extractor.extract(pictures, own.count, 1, SIZE)
        const prompts = Array.from(own.labels!, (label) => own.classes![label]!)
        const of = async (num_inference_steps: number) => {
          const noise = (step: number) => model.noise(seed, 0, prompts.length, step)
          const { data } = await model.generate({ prompts, noise, num_inference_steps })
          return frechetDistance(real, await extractor.extract(data, own.count, 1, SIZE))
        }
        fids.push([await of(1), await of(2), await of(4)])
      }
      const [a, b] = fids as [number[], number[]]
      for (const [i, steps] of [1, 2, 4].entries())
        expect(found.fid[steps]).toBeCloseTo((a[i]! + b[i]!) / 2, 8)
      expect(found.scores).toHaveLength(2)
      for (const [i, [one, two, four]] of fids.entries())
        expect(found.scores[i]).toBeCloseTo(Math.cbrt(one! * two! * four!), 8)
      expect(found.scores[0]).not.toBeCloseTo(found.scores[1]!, 4)
      expect(found.teacher_distance).toBeNull()
      expect(await check(model as unknown as Model)).toEqual(found)
    })
})

describe('the pictures of a noise seed', () => {
  it('are no other seed’s, and keep what is said of them', () => {
    for (const [count, own] of [
      [1100, 512],
      [922, 461],
      [512, 256],
    ] as const) {
      const dataset = someDataset(count)
      const shares = CHECK_SEEDS.map((_, i) => picturesOfSeed(dataset, i))
      const indices = shares.flatMap(({ names }) => names!.map((name) => Number(name.split(' ')[1])))
      expect(new Set(indices).size).toBe(CHECK_SEEDS.length * own)
      expect(new Set(shares.map(({ sha256 }) => sha256)).size).toBe(CHECK_SEEDS.length)
      for (const { count, pixels, names, styles, labels } of shares) {
        expect([count, pixels.length, labels!.length]).toEqual([own, own * SIZE ** 2, own])
        for (const [i, name] of names!.entries()) {
          const from = Number(name.split(' ')[1])
          expect([styles![i], labels![i]]).toEqual([`style ${from}`, from % 2])
          expect(pixels.subarray(i * SIZE ** 2, (i + 1) * SIZE ** 2)).toEqual(
            dataset.pixels.slice(from * SIZE ** 2, (from + 1) * SIZE ** 2),
          )
        }
      }
    }
  })

  it('are drawn at random: both seeds have some of the beginning and of the end', () => {
    const dataset = someDataset(922)
    for (const i of CHECK_SEEDS.keys()) {
      const early = picturesOfSeed(dataset, i).names!.filter((name) => Number(name.split(' ')[1]) < 461)
      expect(early.length).toBeGreaterThan(190)
      expect(early.length).toBeLessThan(270)
    }
  })

  it('are all of them in a set too small to be shared out', () => {
    const dataset = someDataset(511)
    for (const i of CHECK_SEEDS.keys()) expect(picturesOfSeed(dataset, i)).toBe(dataset)
  })
})
