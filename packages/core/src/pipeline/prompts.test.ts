/** What becomes of prompts on their way to the network. */
import { describe, expect, it, vi } from 'vitest'
import { RANGE } from '../diffusion/testing.js'
import { hourglassOf } from '../nn/testing.js'
import { PIXELS } from '../space/index.js'
import type { Values } from '../tensor/index.js'
import { buildTextVocabulary, conditionerOf } from '../text/index.js'
import { checkPrompt, Pipeline, type PipelineConfig, samplingOf, takesGuidance } from './index.js'

const vocabulary = buildTextVocabulary(['red heart', 'cat'])

const pipelineOf = (guidance_embedding: boolean) => {
  const config: PipelineConfig = {
    ...RANGE,
    kind: guidance_embedding ? 'student' : 'teacher',
    network: hourglassOf(conditionerOf(vocabulary).shape as { kind: 'none' }, guidance_embedding),
    space: PIXELS,
    vocabulary,
    sampling: {
      solver: guidance_embedding ? 'consistency' : 'ddim',
      schedule: 'karras',
      num_inference_steps: 3,
      guidance_scale: 1,
      gamma: 1,
      sigmas: {},
    },
  }
  const runs: Record<string, Values>[] = []
  const pipeline = new Pipeline(config, {
    executable: async () => ({
      async run(inputs) {
        runs.push({ ...inputs })
        return { denoised: inputs.x as Float32Array }
      },
      release: async () => {},
    }),
    release: async () => {},
  })
  return { pipeline, runs }
}

const how = { prompts: ['red heart', 'cat', 'red heart'], guidance_scale: 2, negative_prompt: 'cat' }

describe.each([
  ['as an input of the network', true],
  ['by two evaluations a step', false],
])('guidance %s', (_, guidance_embedding) => {
  it('reads each prompt once, however many steps and pictures there are', async () => {
    const { pipeline, runs } = pipelineOf(guidance_embedding)
    const read = vi.spyOn(pipeline.conditioner, 'read')
    const encode = vi.spyOn(pipeline.conditioner, 'encode')
    const to = { prompt: 'heart', weights: [0, 0.5, 1] }
    await pipeline.generate({ ...how, to })
    expect(read.mock.calls.map(([prompt]) => prompt).sort()).toEqual(['cat', 'heart', 'red heart'])
    // The prompts, and what guidance leads away from.
    expect(encode).toHaveBeenCalledTimes(2)
    expect(runs).toHaveLength(guidance_embedding ? 3 : 6)
  })

  it('hands the same record to every step', async () => {
    const { pipeline, runs } = pipelineOf(guidance_embedding)
    await pipeline.generate(how)
    const { conditioner } = pipeline
    const named = conditioner.encode(how.prompts.map((prompt) => conditioner.read(prompt))).condition
    const away = conditioner.encode(Array(3).fill(conditioner.read('cat'))).condition
    for (const [i, run] of runs.entries()) {
      if (guidance_embedding) expect(run).toMatchObject({ condition: named, negative: away })
      else expect(run.condition).toEqual(i % 2 === 0 ? named : away)
    }
  })
})

describe('what a model allows', () => {
  it('is told by its config alone', () => {
    const { config } = pipelineOf(false).pipeline
    expect(takesGuidance(config)).toBe(true)
    expect(takesGuidance({ ...config, vocabulary: { kind: 'none' } })).toBe(false)
    expect(takesGuidance({ ...config, kind: 'student' })).toBe(false)
    expect(samplingOf(config, { guidance_scale: 3 })).toMatchObject({ num_inference_steps: 3, nfe: 6 })
    expect(() => samplingOf({ ...config, vocabulary: { kind: 'none' } }, { guidance_scale: 3 })).toThrow(
      'there is nothing to guide it by',
    )
  })

  it('is refused with where it was given', () => {
    const none = conditionerOf({ kind: 'none' })
    expect(() => checkPrompt(none, '')).not.toThrow()
    expect(() => checkPrompt(none, 'cat', 'to.prompt')).toThrow(
      expect.objectContaining({ remedy: 'leave out `to.prompt`' }),
    )
    const classes = conditionerOf({ kind: 'class', classes: ['cat'] })
    expect(() => checkPrompt(classes, 'dog')).toThrow('unknown class "dog"; this model knows cat')
  })
})
