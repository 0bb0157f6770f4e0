/** Editing and interpolating with exact models of Gaussian data: what must come out is known. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_STRENGTH } from '../consistency/index.js'
import { karrasPosition } from '../diffusion/index.js'
import { gaussianTrajectory, RANGE } from '../diffusion/testing.js'
import { samplingOf } from './index.js'
import { toyPipeline } from './testing.js'

const [mean, std] = [0.25, 0.5]
const SIZE = 4
const PIXELS = SIZE * SIZE

/** A pipeline whose network is the exact map of N(mean, std²), pixel by pixel: a student's or a teacher's. */
const exact = (kind: 'student' | 'teacher') => {
  const isStudent = kind === 'student'
  return toyPipeline({
    kind,
    shape: { channels: 1, height: SIZE, width: SIZE },
    classes: ['a', 'b', 'c'],
    sampling: isStudent ? {} : { solver: 'heun', num_inference_steps: 32 },
    denoise: ({ x, sigma }) =>
      x!.map((value) =>
        isStudent
          ? gaussianTrajectory([mean], std, [value], sigma![0]!, RANGE.sigma_min)[0]!
          : (value * std ** 2 + mean * sigma![0]! ** 2) / (std ** 2 + sigma![0]! ** 2),
      ),
  })
}

const image = Float32Array.from({ length: PIXELS }, (_, k) => Math.sin(k))
const away = (a: Float32Array, b: Float32Array) =>
  Math.sqrt(a.reduce((sum, value, k) => sum + (value - b[k]!) ** 2, 0) / a.length)

describe('editing', () => {
  it('begins at the level of its strength, and goes further from the picture the stronger it is', async () => {
    const { pipeline, asked } = exact('student')
    const far: number[] = []
    for (const strength of [0, 0.3, 0.6, 1]) {
      const { data } = await pipeline.generate({
        prompts: ['a'],
        image,
        strength,
        num_inference_steps: 1,
      })
      far.push(away(data, image))
    }
    expect(far[0]).toBeLessThan(1e-6)
    expect(far).toEqual([...far].sort((a, b) => a - b))
    expect(asked.map(({ sigma }) => karrasPosition(sigma![0]!, RANGE))).toEqual([
      expect.closeTo(1, 6),
      expect.closeTo(0.7, 6),
      expect.closeTo(0.4, 6),
      expect.closeTo(0, 6),
    ])
  })

  it('begins at the default strength, and from nothing where there is a mask', async () => {
    const { pipeline, asked } = exact('student')
    const how = { prompts: ['a'], image, num_inference_steps: 1 }
    await pipeline.generate(how)
    await pipeline.generate({ ...how, mask: new Float32Array(PIXELS).fill(1) })
    const [plain, masked] = asked.map(({ sigma }) => karrasPosition(sigma![0]!, RANGE))
    expect([plain, masked]).toEqual([expect.closeTo(1 - DEFAULT_STRENGTH, 6), expect.closeTo(0, 6)])
  })

  it('is the exact map of the noised picture: a student’s step as a teacher’s many', async () => {
    const how = { prompts: ['a', 'a'], image, strength: 0.5, seed: 3 }
    const student = await exact('student').pipeline.generate({ ...how, num_inference_steps: 1 })
    const teacher = await exact('teacher').pipeline.generate({ ...how, num_inference_steps: 64 })
    expect(away(student.data, teacher.data)).toBeLessThan(0.01)
    expect(away(student.data.subarray(0, PIXELS), student.data.subarray(PIXELS))).toBeGreaterThan(0.1)
  })

  it('keeps what the mask keeps, exactly, for students and teachers', async () => {
    const mask = Float32Array.from({ length: PIXELS }, (_, k) => Number(k % 3 === 0))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('student' as const, 'teacher' as const),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 0, max: 2 ** 31 }),
        async (kind, num_inference_steps, seed) => {
          const { data } = await exact(kind).pipeline.generate({
            prompts: ['b', 'c'],
            image,
            mask,
            seed,
            num_inference_steps,
          })
          for (const [k, value] of data.entries())
            if (mask[k % PIXELS] === 0) expect(value, `number ${k}`).toBe(image[k % PIXELS])
          expect(away(data.subarray(0, PIXELS), data.subarray(PIXELS))).toBeGreaterThan(0)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('takes a picture and a mask for each prompt', async () => {
    const other = image.map((value) => value / 2)
    const masks = [1, 2].map((rest) =>
      Float32Array.from({ length: PIXELS }, (_, k) => Number(k % 3 === rest)),
    )
    const both = (pair: readonly Float32Array[]) => Float32Array.from(pair.flatMap((one) => [...one]))
    const how = { prompts: ['a', 'b'], seeds: [3, 4] }
    const together = await exact('student').pipeline.generate({
      ...how,
      image: both([image, other]),
      mask: both(masks),
    })
    for (const [i, own] of [image, other].entries()) {
      const alone = await exact('student').pipeline.generate({
        prompts: [how.prompts[i]!],
        seeds: [how.seeds[i]!],
        image: own,
        mask: masks[i]!,
      })
      expect([...together.data.subarray(i * PIXELS, (i + 1) * PIXELS)]).toEqual([...alone.data])
    }
  })

  it('takes a student four steps, unless it is told otherwise', () => {
    const stepsOf = (how: object, kind: 'student' | 'teacher' = 'student') =>
      samplingOf(exact(kind).pipeline.config, how).num_inference_steps
    expect(stepsOf({})).toBe(1)
    expect(stepsOf({ image })).toBe(4)
    expect(stepsOf({ image, num_inference_steps: 2 })).toBe(2)
    expect(stepsOf({ image, sigmas: [3] })).toBe(1)
    expect(stepsOf({ image }, 'teacher')).toBe(32)
  })

  it('is refused where it makes no sense', async () => {
    const { pipeline } = exact('student')
    const ask = (how: object) => pipeline.generate({ prompts: ['a'], ...how })
    await expect(ask({ strength: 0.5 })).rejects.toThrow('there is no picture to edit')
    await expect(ask({ image, strength: 1.5 })).rejects.toThrow('between 0 and 1, not 1.5')
    await expect(ask({ image, strength: Number.NaN })).rejects.toThrow('between 0 and 1, not NaN')
    await expect(ask({ image, strength: 0.5, sigmas: [3] })).rejects.toThrow('the same thing twice')
    await expect(ask({ image: image.subarray(1) })).rejects.toThrow('a picture of 15 numbers: 16 expected')
    await expect(ask({ image, mask: image.subarray(1) })).rejects.toThrow('a mask of 15 numbers')
  })
})

describe('interpolating', () => {
  it('leads from one picture to the other, in noise and in words', async () => {
    const { pipeline, asked } = exact('student')
    const prompts = Array<string>(5).fill('a')
    const weights = [0, 0.25, 0.5, 0.75, 1]
    const to = { prompt: 'b', seed: 9, weights }
    const { data } = await pipeline.generate({ prompts, seeds: Array(5).fill(4), to })
    const alone = async (seed: number) => (await pipeline.generate({ prompts: ['a'], seeds: [seed] })).data
    const row = (i: number) => data.subarray(i * PIXELS, (i + 1) * PIXELS)
    expect(away(row(0), await alone(4))).toBeLessThan(1e-5)
    expect(away(row(4), await alone(9))).toBeLessThan(1e-5)
    const steps = weights.map((_, i) => away(row(i), row(0)))
    expect(steps).toEqual([...steps].sort((a, b) => a - b))
    const { condition } = asked[0]!
    const bag = condition!.length / 5
    const [first, middle, last] = [0, 2, 4].map((i) => condition!.subarray(i * bag, (i + 1) * bag))
    expect([...middle!]).toEqual([...first!].map((value, k) => (value + last![k]!) / 2))
  })

  it('needs a weight for each picture', async () => {
    const { pipeline } = exact('student')
    await expect(pipeline.generate({ prompts: ['a'], to: { seed: 1, weights: [0, 1] } })).rejects.toThrow(
      '2 weights for 1 pictures',
    )
  })
})
