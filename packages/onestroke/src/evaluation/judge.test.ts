/** The judge, in the space of pixels themselves, where it is known what is near and what is far. */
import { describe, expect, it } from 'vitest'
import type { LoadedModel, Model } from '../model/index.js'
import { BATCH, checkFit, comparedRows, Judge } from './judge.js'
import { picturesOf } from './real-pictures.js'
import { noisePictures, plainSpace } from './testing.js'

const [COUNT, SIDE] = [24, 4]
const DIMS = 3 * SIDE * SIDE
const names = Array.from({ length: COUNT }, (_, i) => `picture ${i % 12}`)
const dataset = noisePictures(COUNT, SIDE, { names })
const all = Array.from({ length: COUNT }, (_, i) => i)

const judgeOf = (samples: number, more = {}) =>
  Judge.of(plainSpace(DIMS), dataset, { samples, seed: 7, ...more })

describe('a judge', () => {
  it('asks for every picture’s prompt equally often, or for prompts spread over the data', async () => {
    const many = await judgeOf(2 * COUNT)
    expect(many.prompts).toEqual([...names, ...names])
    const few = await judgeOf(COUNT / 4)
    expect(few.expected).toEqual([0, 4, 8, 12, 16, 20])
    expect(few.prompts).toEqual([0, 4, 8, 12, 16, 20].map((i) => names[i]))
  })

  it('finds nothing wrong with the pictures themselves', async () => {
    const judge = await judgeOf(COUNT)
    const own = picturesOf(dataset, all)
    const { fid, precision, recall, prompt_top1, prompt_top5 } = await judge.measure(own)
    expect(fid).toBeLessThan(1e-6)
    expect([precision, recall, prompt_top1, prompt_top5]).toEqual([1, 1, 1, 1])
    expect(await judge.fid(own)).toBe(fid)
    expect([...(await judge.nearest(own))]).toEqual(all)
  })

  it('finds other pictures far, and prompts that are not followed', async () => {
    const judge = await judgeOf(COUNT)
    const black = new Float32Array(COUNT * DIMS).fill(-1)
    const { fid, precision, prompt_top1 } = await judge.measure(black)
    expect(fid).toBeGreaterThan(1)
    expect(precision).toBe(0)
    // All are one picture, which is nearest to one name.
    expect(prompt_top1).toBeCloseTo(1 / 12, 6)
    const swapped = picturesOf(dataset, [...all.slice(1), 0])
    expect((await judge.measure(swapped)).prompt_top1).toBe(0)
  })

  it('says nothing of prompts where pictures have no names', async () => {
    const nameless = noisePictures(COUNT, SIDE)
    const judge = await Judge.of(plainSpace(DIMS), nameless, { samples: COUNT, seed: 7 })
    expect(await judge.measure(picturesOf(nameless, all))).toMatchObject({
      prompt_top1: null,
      prompt_top5: null,
    })
  })

  it('compares with other pictures if it is told to, and asks for prompts of the data all the same', async () => {
    const reference = noisePictures(COUNT, SIDE, { index: 1 })
    const judge = await judgeOf(COUNT, { reference })
    expect(judge.prompts).toEqual(names)
    expect(await judge.fid(picturesOf(reference, all))).toBeLessThan(1e-6)
    expect(await judge.fid(picturesOf(dataset, all))).toBeGreaterThan(0.1)
    expect(comparedRows(dataset, dataset, [3, 1])).toEqual([3, 1])
    expect(comparedRows(dataset, reference, [3, 1])).toHaveLength(2)
  })

  it('has batches of one size painted, each from noises of its own', async () => {
    const judge = await judgeOf(BATCH + 6)
    const asked: { prompts: readonly string[]; noise: Float32Array }[] = []
    // Paints the noise that it is given.
    const model = {
      pictureSize: 1,
      noise: (seed: number, first: number, count: number) =>
        Float32Array.from({ length: count }, (_, i) => 1000 * seed + first + i),
      generate: async ({
        prompts,
        noise,
      }: {
        prompts: readonly string[]
        noise?(step: number): Float32Array
      }) => {
        asked.push({ prompts, noise: noise!(0) })
        return { data: noise!(0) }
      },
    } as unknown as Model
    const told: number[] = []
    const { pictures, seconds_per_image } = await judge.paint(
      model,
      {},
      { onPainted: (done) => told.push(done) },
    )
    expect(asked.map(({ prompts }) => prompts.length)).toEqual([BATCH, BATCH])
    expect([...pictures]).toEqual(Array.from({ length: BATCH + 6 }, (_, i) => 7000 + i))
    expect(told).toEqual([BATCH, BATCH + 6])
    expect(seconds_per_image).toBeGreaterThan(0)
    expect([...(await judge.paint(model, {}, { seed: 2, count: 3, timed: false })).pictures]).toEqual([
      2000, 2001, 2002,
    ])
  })
})

describe('a model', () => {
  const of = (side: number, channels: number) =>
    ({
      path: 'mine',
      config: { space: { kind: 'pixels' }, network: { channels, height: side, width: side } },
    }) as unknown as LoadedModel

  it('fits data of its pictures’ size, and no other', () => {
    expect(() => checkFit(of(SIDE, 3), dataset)).not.toThrow()
    expect(() => checkFit(of(8, 3), dataset)).toThrow(
      'mine paints 8×8 with 3 channels, but noise has 4×4 with 3',
    )
    expect(() => checkFit(of(SIDE, 1), dataset)).toThrow('with 1 channels')
  })
})
