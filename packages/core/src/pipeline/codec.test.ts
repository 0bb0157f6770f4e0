/** What passes through a codec when pictures are painted: at both ends, and nowhere else. */
import { describe, expect, it } from 'vitest'
import { halvingCodec } from '../space/testing.js'
import { toyPipeline } from './testing.js'

const picture = { channels: 1, height: 4, width: 8 }
const PIXELS = 32
const POINTS = 8
/** What the denoiser answers, whatever it is asked: points of one value. */
const ANSWER = 0.5

const modelOf = (kind: 'student' | 'teacher') => {
  const { codec, passed } = halvingCodec(picture)
  const toy = toyPipeline({
    kind,
    shape: codec.shape,
    codec,
    classes: [],
    sampling: { num_inference_steps: 3 },
    denoise: ({ x }) => new Float32Array(x!.length).fill(ANSWER),
  })
  return { ...toy, passed }
}

describe.each(['student', 'teacher'] as const)('a %s in a space of its own', (kind) => {
  it('paints points, which are decoded once, at the end', async () => {
    const { pipeline, passed, asked } = modelOf(kind)
    const { data, ...shape } = await pipeline.generate({ prompts: ['', ''], seed: 3 })
    expect(shape).toEqual({ count: 2, ...picture })
    expect(pipeline.shape).toEqual(picture)
    expect(data).toHaveLength(2 * PIXELS)
    for (const value of data) expect(value).toBeCloseTo(ANSWER / 2, 5)
    expect(asked.map(({ x }) => x!.length)).toEqual(asked.map(() => 2 * POINTS))
    expect(pipeline.noise(3, 0, 2)).toHaveLength(2 * POINTS)
    expect(passed).toEqual({ encoded: 0, decoded: 1 })
  })

  it('edits the points of a picture, and takes every pixel that the mask keeps from the picture itself', async () => {
    const { pipeline, passed } = modelOf(kind)
    const image = Float32Array.from({ length: PIXELS }, (_, at) => Math.sin(at))
    const mask = new Float32Array(PIXELS)
    // One pixel of the second point of the first row, and another picture's mask beside it.
    mask[1 * 8 + 3] = 1
    const masks = Float32Array.from([...mask, ...new Float32Array(PIXELS).fill(1)])
    const { data } = await pipeline.generate({ prompts: ['', ''], image, mask: masks })
    expect(passed).toEqual({ encoded: 1, decoded: 1 })
    for (const [at, value] of data.entries())
      if (masks[at] === 1) expect(value, `number ${at}`).toBeCloseTo(ANSWER / 2, 5)
      else expect(value, `number ${at}`).toBe(image[at])
  })

  it('keeps the points of which no pixel is in the mask, and paints the others', async () => {
    const { pipeline } = modelOf(kind)
    const image = Float32Array.from({ length: PIXELS }, (_, at) => Math.sin(at))
    const mask = new Float32Array(PIXELS)
    mask[1 * 8 + 3] = 1
    const points = await pipeline.points({ prompts: [''], image, mask })
    const kept = await pipeline.codec.encode(image)
    for (const [at, value] of points.entries())
      expect(value, `point ${at}`).toBeCloseTo(at === 1 ? ANSWER : kept[at]!, 5)
  })

  it('refuses pictures and masks by the size of pictures', async () => {
    const { pipeline, passed } = modelOf(kind)
    const ask = (image: number, mask: number) =>
      pipeline.generate({ prompts: [''], image: new Float32Array(image), mask: new Float32Array(mask) })
    await expect(ask(POINTS, PIXELS)).rejects.toThrow('a picture of 8 numbers: 32 expected')
    await expect(ask(PIXELS, POINTS)).rejects.toThrow('a mask of 8 numbers: 32 expected, one for each pixel')
    expect(passed).toEqual({ encoded: 0, decoded: 0 })
  })

  it('shows pictures on the way to whoever wants to see them', async () => {
    const { pipeline, passed } = modelOf(kind)
    const seen: number[][] = []
    await pipeline.generate({
      prompts: [''],
      onStep: (step, x, denoised) => {
        seen.push([step, x.length, denoised.length])
      },
    })
    expect(seen).toEqual([0, 1, 2].map((step) => [step, POINTS, PIXELS]))
    expect(passed).toEqual({ encoded: 0, decoded: 4 })
  })
})
