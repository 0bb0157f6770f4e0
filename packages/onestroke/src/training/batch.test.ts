import { createHash } from 'node:crypto'
import { METHODS } from '@onestroke/core/consistency'
import { halfOf } from '@onestroke/core/tensor'
import { buildTextVocabulary, type Vocabulary } from '@onestroke/core/text'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Batch, BatchMaker } from './batch.js'
import { batchPlan, someData } from './testing.js'

const dataset = someData()
const text = buildTextVocabulary(dataset.names)
const entries = 1 + text.words.length + text.buckets
const classes: Vocabulary = { kind: 'class', classes: dataset.classes }
const augment = { flip: true, translate: 2 }

/** All bits of a batch. */
const bitsOf = (batch: Batch): string => {
  const hash = createHash('sha256')
  for (const array of Object.values(batch)) hash.update(array)
  return hash.digest('hex')
}
/** Dense bags of the prompts, or of what guidance leads away from, picture by picture. */
const rows = (batch: Batch, width: number, name = 'condition'): Float32Array[] => {
  const bags = batch[name] as Float32Array
  return Array.from({ length: bags.length / width }, (_, i) => bags.subarray(i * width, (i + 1) * width))
}

describe('a batch', () => {
  it.each([
    ['none', { kind: 'none' } as const],
    ['class', classes],
    ['text', text],
  ])('is a pure function of the step, whatever was made before (%s)', async (_, vocabulary) => {
    const plan = batchPlan({ vocabulary, augment, condition_dropout: 0.2, word_dropout: 0.2 })
    const fresh = async (step: number) => bitsOf(await new BatchMaker(plan).make(step))
    const known = await Promise.all(Array.from({ length: 12 }, (_, step) => fresh(step)))
    const steps = fc.array(fc.nat(11), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(steps, fc.boolean(), async (steps, reuse) => {
        const maker = new BatchMaker(plan)
        let last: Batch | undefined
        for (const step of steps) {
          last = await maker.make(step, reuse ? last : undefined)
          expect(bitsOf(last)).toBe(known[step])
        }
      }),
      { numRuns: 20 },
    )
    expect(new Set(known).size).toBe(12)
  })

  it.each([
    ['diffusion', { P_mean: -0.6, P_std: 1.4, uniform: 0.2 }],
    ['dmd', METHODS.dmd!.options],
  ])('in slices is the same pictures as whole, each with its own noises (%s)', async (objective, options) => {
    const plan = batchPlan({
      batch: 5,
      vocabulary: text,
      augment,
      objective,
      options,
      guidance_scale: [1, 3],
    })
    const whole = await new BatchMaker(plan).make(3)
    const slices = await Promise.all(
      [
        { from: 0, to: 2 },
        { from: 2, to: 5 },
      ].map((slice) => new BatchMaker(plan, slice).make(3)),
    )
    const { total_weight, progress, ...pictures } = whole
    for (const [name, values] of Object.entries(pictures))
      expect(Float32Array.from(slices.flatMap((slice) => [...slice[name as 'x0']]))).toEqual(values)
    for (const slice of slices) expect([slice.total_weight, slice.progress]).toEqual([total_weight, progress])
    expect([...total_weight]).toEqual([5])
  })

  it('holds the latents of its pictures, in one of their versions', async () => {
    const plan = batchPlan({ batch: 24 })
    const { count } = plan.dataset
    const shape = { channels: 2, height: 2, width: 4 }
    const values = new Uint16Array(new SharedArrayBuffer(2 * count * 3 * 16))
    // Each number says its picture and its version.
    for (const [i] of values.entries()) values[i] = halfOf(Math.floor(i / 16))
    const { x0, noise, t } = await new BatchMaker({ ...plan, latents: { shape, variants: 3, values } }).make(
      2,
    )
    const pictures = await new BatchMaker(plan).make(2)
    expect(noise).toHaveLength(24 * 16)
    expect(t).toEqual(pictures.t)
    const versions = new Set<number>()
    for (let k = 0; k < 24; k++) {
      const [first, ...rest] = x0.subarray(k * 16, (k + 1) * 16)
      expect(rest).toEqual(Array(15).fill(first))
      versions.add(first! % 3)
      // The same picture as without latents.
      const seen = pictures.x0.subarray(k * 64, (k + 1) * 64)
      const own = plan.dataset.pixels.subarray(Math.floor(first! / 3) * 64, (Math.floor(first! / 3) + 1) * 64)
      expect(seen).toEqual(Float32Array.from(own, (byte) => byte / 127.5 - 1))
    }
    expect(versions).toEqual(new Set([0, 1, 2]))
  })

  it('depends on the seed in every part', async () => {
    const make = (seed: number) => new BatchMaker(batchPlan({ seed, batch: 32 })).make(0)
    const [one, two] = [await make(1), await make(2)]
    for (const part of ['x0', 'noise', 't'] as const) expect(one[part]).not.toEqual(two[part])
  })

  it('shows every picture once an epoch, in another order each time', async () => {
    const maker = new BatchMaker(batchPlan({ batch: 4 }))
    const epoch = async (first: number) => {
      const batches = await Promise.all([0, 1, 2].map((i) => maker.make(first + i)))
      return batches.flatMap(({ x0 }) =>
        Array.from({ length: 4 }, (_, k) => Math.round((x0[k * 64]! + 1) * 127.5)),
      )
    }
    const [one, two] = [await epoch(0), await epoch(3)]
    expect(new Set(one).size).toBe(12)
    expect([...two].sort()).toEqual([...one].sort())
    expect(two).not.toEqual(one)
  })

  it('is in [-1, 1], with unit noise, and noise levels within the range', async () => {
    const plan = batchPlan({ batch: 512, augment })
    const { x0, noise, t, r, ...others } = await new BatchMaker(plan).make(0)
    expect(x0.every((value) => value >= -1 && value <= 1)).toBe(true)
    const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length
    const square = noise.reduce((sum, value) => sum + value * value, 0) / noise.length
    expect(Math.abs(mean)).toBeLessThan(0.02)
    expect(Math.abs(square - 1)).toBeLessThan(0.03)
    expect(t.every((value) => value >= Math.fround(0.01) && value <= 20)).toBe(true)
    expect(r).toEqual(t)
    expect(others).not.toHaveProperty('condition')
  })

  it('has pairs of noise levels for distilling, r below t', async () => {
    const options = { grids: [4, 8], top: 0.15, substeps: 4 }
    const { t, r } = await new BatchMaker(batchPlan({ objective: 'ecd-grid', options, batch: 256 })).make(3)
    for (const [i, upper] of t.entries()) {
      expect(r[i]).toBeLessThan(upper)
      expect(r[i]).toBeGreaterThanOrEqual(Math.fround(0.01))
    }
    const atTop = t.filter((value) => value === 20).length / t.length
    expect(atTop).toBeGreaterThan(0.05)
    expect(atTop).toBeLessThan(0.3)
  })

  it('has noise and a beginning of their own for pictures that the student paints, and else nothing more', async () => {
    const options = { steps: 2, top: 0.5, updates: 5, gan: 0 }
    const plan = batchPlan({ objective: 'dmd', options, batch: 256 })
    const batch = await new BatchMaker(plan).make(3)
    const { x0, noise, renoise, start } = batch
    expect(renoise.length).toBe(noise.length)
    const products = noise.reduce((sum, value, i) => sum + value * renoise[i]!, 0) / noise.length
    expect(Math.abs(products)).toBeLessThan(0.02)
    expect(new Set(start).size).toBe(2)
    const { options: usual } = batchPlan()
    const other = await new BatchMaker({ ...plan, objective: 'diffusion', options: usual }).make(3)
    expect([other.x0, other.noise]).toEqual([x0, noise])
    expect([other.start.length, other.renoise.length]).toEqual([0, 0])
    const reused = await new BatchMaker(plan).make(3, await new BatchMaker(plan).make(4))
    expect(bitsOf(reused)).toBe(bitsOf(batch))
  })

  it('drops the share of conditions that it is told to, and no more', async () => {
    for (const [condition_dropout, least, most] of [
      [0, 0, 0],
      [0.25, 0.2, 0.3],
      [1, 1, 1],
    ] as const) {
      const plan = batchPlan({ vocabulary: classes, condition_dropout, batch: 2048 })
      const all = rows(await new BatchMaker(plan).make(0), 4)
      for (const row of all) expect([...row].sort()).toEqual([0, 0, 0, 1])
      const dropped = all.filter((row) => row[0] === 1).length / all.length
      expect(dropped).toBeGreaterThanOrEqual(least)
      expect(dropped).toBeLessThanOrEqual(most)
    }
  })

  it('names the class of its picture, by name', async () => {
    const reordered: Vocabulary = { kind: 'class', classes: ['x', 'c', 'b', 'a'] }
    const batch = await new BatchMaker(batchPlan({ vocabulary: reordered, batch: 12 })).make(0)
    for (const [i, row] of rows(batch, 5).entries()) {
      const picture = Math.floor(Math.round((batch.x0[i * 64]! + 1) * 127.5) / 20)
      expect(row.indexOf(1)).toBe(1 + reordered.classes.indexOf(dataset.classes[picture % 3]!))
    }
  })

  it('leaves out words, but never all, and reads some by their trigrams alone', async () => {
    const shareOf = async (word_dropout: number) => {
      const batch = await new BatchMaker(batchPlan({ vocabulary: text, word_dropout, batch: 1024 })).make(0)
      const all = rows(batch, text.tokens * entries)
      const words = all.map((row) =>
        Array.from({ length: text.tokens }, (_, token) => {
          const bag = row.subarray(token * entries, (token + 1) * entries)
          return {
            used: bag.some((value) => value > 0),
            known: bag.subarray(1, 1 + text.words.length).some((value) => value > 0),
          }
        }).filter(({ used }) => used),
      )
      expect(words.every((list) => list.length > 0)).toBe(true)
      const flat = words.flat()
      return {
        both: words.filter((list) => list.length === 2).length / 1024,
        known: flat.filter(({ known }) => known).length / flat.length,
      }
    }
    expect(await shareOf(0)).toEqual({ both: 1, known: 1 })
    const half = await shareOf(0.5)
    // Both words stay in a quarter of the captions, and in the quarter that would have lost both.
    expect(half.both).toBeGreaterThan(0.43)
    expect(half.both).toBeLessThan(0.57)
    expect(half.known).toBeGreaterThan(0.43)
    expect(half.known).toBeLessThan(0.57)
  })

  it('leads away from nothing, from captions and from single words of them, where the scale is drawn', async () => {
    const lengths = async (guidance_scale: number | [number, number]) => {
      const batch = await new BatchMaker(batchPlan({ vocabulary: text, guidance_scale, batch: 1024 })).make(0)
      const counts = [0, 0, 0]
      for (const row of rows(batch, text.tokens * entries, 'negative')) {
        const used = Array.from({ length: text.tokens }, (_, token) =>
          row.subarray(token * entries + 1, (token + 1) * entries).some((value) => value > 0),
        )
        counts[used.filter(Boolean).length]! += 1 / 1024
      }
      return counts
    }
    expect(await lengths(3)).toEqual([1, 0, 0])
    const [none, one, two] = (await lengths([1, 6])) as [number, number, number]
    expect(Math.abs(none - 0.5)).toBeLessThan(0.06)
    expect(Math.abs(one - 0.25)).toBeLessThan(0.06)
    expect(Math.abs(two - 0.25)).toBeLessThan(0.06)
  })
})
