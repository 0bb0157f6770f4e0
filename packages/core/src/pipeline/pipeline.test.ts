/** The pipeline, with a denoiser that answers what it was asked. */
import { describe, expect, it } from 'vitest'
import { UserError } from '../errors/index.js'
import { checkPrompt, NotFiniteError, samplingOf } from './index.js'
import { type Told, type Toy, toyPipeline } from './testing.js'

const SIDE = 2
const PIXELS = SIDE * SIDE

interface Changes extends Partial<Toy> {
  /** The denoiser's answer to one number; `told` are the inputs. */
  readonly answer?: (x: number, told: Told) => number
}

/** A model of two classes, a and b, on pictures of 2×2 pixels: a teacher unless it is said. */
const modelOf = ({ answer = () => 0, ...changes }: Changes = {}) =>
  toyPipeline({
    kind: 'teacher',
    shape: { channels: 1, height: SIDE, width: SIDE },
    range: { sigma_min: 0.01, sigma_max: 10, sigma_data: 0.5 },
    denoise: (told) => told.x!.map((x) => answer(x, told)),
    ...changes,
  })

/** The option that an error blames, and what to do about it. */
const blamed = (ask: () => unknown) => {
  try {
    ask()
  } catch (error) {
    expect(error).toBeInstanceOf(UserError)
    const { option, remedy } = error as UserError
    return [option, remedy]
  }
  return undefined
}

describe('the pictures of a batch', () => {
  it('are those of their seeds, alone or together', async () => {
    const { pipeline } = modelOf({ kind: 'student', answer: (x) => x / 10 })
    const one = async (seed: number) => (await pipeline.generate({ prompts: ['a'], seed })).data
    const { data, count, channels, height, width } = await pipeline.generate({ prompts: ['a', 'a'], seed: 5 })
    expect({ count, channels, height, width }).toEqual({ count: 2, channels: 1, height: SIDE, width: SIDE })
    expect([...data]).toEqual([...(await one(5)), ...(await one(6))])
    const listed = await pipeline.generate({ prompts: ['a', 'a'], seeds: [6, 5] })
    expect([...listed.data]).toEqual([...data.subarray(PIXELS), ...data.subarray(0, PIXELS)])
    await expect(pipeline.generate({ prompts: ['a'], seeds: [1, 2] })).rejects.toThrow(
      '2 seeds for 1 prompts',
    )
  })

  it('take as many evaluations as was said, at falling noise levels, from sigma_max on', async () => {
    const { pipeline, asked } = modelOf()
    await pipeline.generate({ prompts: ['a'], num_inference_steps: 4 })
    const levels = asked.map(({ sigma }) => sigma![0]!)
    expect(levels).toHaveLength(samplingOf(pipeline.config, { num_inference_steps: 4 }).nfe)
    expect(levels[0]).toBeCloseTo(10, 5)
    expect(levels).toEqual([...levels].sort((a, b) => b - a))
  })

  it('are not painted to their end if nobody wants them', async () => {
    const controller = new AbortController()
    const { pipeline, asked } = modelOf({
      answer: () => {
        controller.abort(new Error('gone'))
        return 0
      },
    })
    const { signal } = controller
    await expect(pipeline.generate({ prompts: ['a'], num_inference_steps: 8, signal })).rejects.toThrow(
      'gone',
    )
    expect(asked).toHaveLength(1)
  })

  it('are refused if they are none', async () => {
    const { pipeline } = modelOf({ kind: 'student', answer: () => Number.NaN })
    await expect(pipeline.generate({ prompts: ['a'] })).rejects.toBeInstanceOf(NotFiniteError)
  })
})

describe('guidance', () => {
  /** Another number for each class, and for none. */
  const classOf = (_: number, { condition }: Record<string, Float32Array>) =>
    condition!.reduce((sum, value, i) => sum + (i + 1) * value, 0)

  it('leads a teacher away from the negative prompt, or from no prompt, in two evaluations a step', async () => {
    const { pipeline, asked } = modelOf({ answer: classOf })
    const at = async (prompt: string, guidance_scale = 1, negative_prompt = '') => {
      const denoise = await pipeline.denoiser([prompt], { guidance_scale, negative_prompt })
      return (await denoise(new Float32Array(PIXELS), 1))[0]!
    }
    const [none, a, b] = [await at(''), await at('a'), await at('b')]
    expect(new Set([none, a, b]).size).toBe(3)
    expect(asked).toHaveLength(3)
    expect(await at('b', 3)).toBeCloseTo(none + 3 * (b - none), 6)
    expect(await at('b', 3, 'a')).toBeCloseTo(a + 3 * (b - a), 6)
    expect(asked).toHaveLength(7)
    expect(samplingOf(pipeline.config, { num_inference_steps: 4 }).nfe).toBe(4)
    expect(samplingOf(pipeline.config, { num_inference_steps: 4, guidance_scale: 3 }).nfe).toBe(8)
  })

  it('is an input of a student that learned it, within the range that it learned', async () => {
    const { pipeline, asked } = modelOf({
      kind: 'student',
      guided: true,
      sampling: { guidance_range: [1, 3] },
    })
    await pipeline.generate({ prompts: ['a'], guidance_scale: 2, negative_prompt: 'b' })
    expect(asked).toHaveLength(1)
    expect([...asked[0]!.guidance_scale!]).toEqual([2])
    expect(asked[0]!.negative).toHaveLength(asked[0]!.condition!.length)
    expect(blamed(() => samplingOf(pipeline.config, { guidance_scale: 4 }))).toEqual([
      'guidance_scale',
      'choose one between them, or distil with a wider range',
    ])
  })
})

describe('what does not fit the model is refused, and the option named', () => {
  const teacher = modelOf().pipeline
  const student = modelOf({ kind: 'student' }).pipeline
  const plain = modelOf({ classes: [] }).pipeline

  it.each([
    ['a student’s solver', () => samplingOf(teacher.config, { solver: 'consistency' }), 'solver'],
    ['a teacher’s solver', () => samplingOf(student.config, { solver: 'heun' }), 'solver'],
    ['a student’s schedule', () => samplingOf(teacher.config, { schedule: 'lcm' }), 'schedule'],
    [
      'too many steps of lcm',
      () => samplingOf(student.config, { schedule: 'lcm', num_inference_steps: 51 }),
      'schedule',
    ],
    ['noise levels of a teacher', () => samplingOf(teacher.config, { sigmas: [5] }), 'sigmas'],
    ['gamma of a teacher', () => samplingOf(teacher.config, { gamma: 0.5 }), 'gamma'],
    ['noise levels that rise', () => samplingOf(student.config, { sigmas: [1, 5] }), 'sigmas'],
    [
      'guidance of a student without',
      () => samplingOf(student.config, { guidance_scale: 2 }),
      'guidance_scale',
    ],
    ['guidance without prompts', () => samplingOf(plain.config, { guidance_scale: 2 }), 'guidance_scale'],
    ['a negative prompt', () => samplingOf(student.config, { negative_prompt: 'a' }), 'negative_prompt'],
    ['no steps', () => samplingOf(teacher.config, { num_inference_steps: 0 }), 'num_inference_steps'],
    ['an unknown class', () => checkPrompt(teacher.conditioner, 'c'), 'prompt'],
    ['a prompt', () => checkPrompt(plain.conditioner, 'a'), 'prompt'],
    ['another’s prompt', () => checkPrompt(plain.conditioner, 'a', 'to.prompt'), 'to.prompt'],
  ] as [string, () => unknown, string][])('%s', (_, ask, option) => {
    expect(blamed(ask)?.[0]).toBe(option)
  })

  it('what to leave out stands in backticks, by its name in the library', () => {
    expect(blamed(() => samplingOf(student.config, { guidance_scale: 2 }))?.[1]).toBe(
      'leave out `guidance_scale`',
    )
    expect(blamed(() => checkPrompt(plain.conditioner, 'a', 'to.prompt'))?.[1]).toBe('leave out `to.prompt`')
  })
})
