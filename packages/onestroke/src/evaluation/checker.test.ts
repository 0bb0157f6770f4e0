import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toOnnx, trace } from '@onestroke/core/tensor'
import { describe, expect, it } from 'vitest'
import { toyPipeline } from '../../../core/src/pipeline/testing.js'
import { type Dataset, sealed } from '../data/index.js'
import { folderOf } from '../data/testing.js'
import { frechetDistance } from '../metrics/index.js'
import type { Model } from '../model/index.js'
import { CHECK_SEEDS, qualityChecker, rowsOfSeed } from './checker.js'
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

/** A student whose answers depend on the noise, its level and the class. */
const someStudent = (gamma: number) =>
  toyPipeline({
    shape: { channels: 1, height: SIZE, width: SIZE },
    range: { sigma_min: 0.01, sigma_max: 80, sigma_data: 0.5 },
    jumps: gamma < 1,
    sampling: { gamma },
    denoise: ({ x, sigma, condition }) => {
      const entries = (condition!.length * SIZE ** 2) / x!.length
      const scale = 1 / Math.hypot(sigma![0]!, 0.5)
      return x!.map((value, i) =>
        Math.tanh(value * scale + condition![(i >> 4) * entries]! + Math.sin(i % 16)),
      )
    },
  })

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
      const { pipeline: model, asked } = someStudent(gamma)
      const file = await pixelFeatures()
      const extractor = await FeatureExtractor.open(await readFile(file), '')
      const check = await qualityChecker(dataset, extractor)
      const found = await check(model as unknown as Model)
      // The first step of 1, 2 and 4 is one, where nothing that follows changes it.
      expect(asked).toHaveLength(CHECK_SEEDS.length * (512 / BATCH) * (gamma === 1 ? 5 : 7))

      const fids: number[][] = []
      for (const [i, seed] of CHECK_SEEDS.entries()) {
        const rows = rowsOfSeed(dataset, i)
        const pictures = Float32Array.from(rows.flatMap((row) => [...pictureOf(dataset, row)]))
        const real = await extractor.extract(pictures, rows.length, dataset)
        const prompts = rows.map((row) => dataset.classes![dataset.labels![row]!]!)
        const of = async (num_inference_steps: number) => {
          const noise = (step: number) => model.noise(seed, 0, prompts.length, step)
          const { data } = await model.generate({ prompts, noise, num_inference_steps })
          return frechetDistance(real, await extractor.extract(data, rows.length, dataset))
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
  it.each([
    [1100, 512, 512],
    [922, 512, 461],
    [512, 512, 256],
    [50_000, 256, 256],
  ])('of %i are no other seed’s: at most %i, here %i', (count, most, own) => {
    const shares = CHECK_SEEDS.map((_, i) => rowsOfSeed({ count }, i, most))
    for (const rows of shares) expect(rows).toHaveLength(own)
    expect(new Set(shares.flat()).size).toBe(CHECK_SEEDS.length * own)
    for (const row of shares.flat()) expect(row >= 0 && row < count).toBe(true)
  })

  it('are drawn at random: both seeds have some of the beginning and of the end', () => {
    for (const i of CHECK_SEEDS.keys()) {
      const early = rowsOfSeed({ count: 922 }, i).filter((row) => row < 461)
      expect(early.length).toBeGreaterThan(190)
      expect(early.length).toBeLessThan(270)
    }
  })

  it('are all of them in a set too small to be shared out', () => {
    const all = Array.from({ length: 511 }, (_, row) => row)
    for (const i of CHECK_SEEDS.keys()) expect(rowsOfSeed({ count: 511 }, i)).toEqual(all)
  })
})

describe('features of a dataset’s pictures', () => {
  it('are computed once a picture, and do not depend on which others were asked for with it', async () => {
    const dataset = someDataset(300)
    const bytes = await readFile(await pixelFeatures())
    const [one, other] = [await FeatureExtractor.open(bytes, ''), await FeatureExtractor.open(bytes, '')]
    const asked: number[] = []
    const extract = one.extract.bind(one)
    one.extract = (pictures, count, ...rest) => {
      asked.push(count)
      return extract(pictures, count, ...rest)
    }
    await one.ofDataset(dataset, [7, 1, 299])
    const rows = [3, 299, 1, 250, 3]
    const { data, count, dims } = await one.ofDataset(dataset, rows)
    expect({ count, asked }).toEqual({ count: 5, asked: [3, 2] })
    for (const [i, row] of rows.entries()) {
      const alone = await other.extract(pictureOf(dataset, row), 1, dataset)
      expect(data.slice(i * dims, (i + 1) * dims)).toEqual(alone.data)
    }
  })
})
