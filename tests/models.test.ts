/** The shipped models: that they paint as their page says, and that students name the teachers that are there. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exampleOf } from '../packages/core/src/pipeline/index.js'
import { conditionerOf } from '../packages/core/src/text/index.js'
import { readConfig } from '../packages/onestroke/src/model/index.js'
import { succeeds } from './cli/testing.js'

const NAMES = (await readdir('models')).filter((name) => name.startsWith('emoji-'))

const infoOf = async (name: string) =>
  JSON.parse((await succeeds(['info', `models/${name}`, '--json'])).stdout)

describe('the shipped models', () => {
  it('paint as models/README.md says, and info tells it', async () => {
    const page = await readFile('models/README.md', 'utf8')
    for (const [name, steps] of [
      ['emoji-32-teacher', 12],
      ['emoji-16-teacher', 8],
    ] as const) {
      expect((await infoOf(name)).sampling).toMatchObject({
        solver: 'dpmpp_2m',
        schedule: 'karras',
        num_inference_steps: steps,
      })
      const line = page.split('\n').find((text) => text.startsWith(`| [\`${name}\`]`))
      expect(line).toContain(`in ${steps} steps of DPM-Solver++`)
    }
    const { stdout } = await succeeds(['info', 'models/emoji-32-teacher'])
    expect(stdout).toMatch(/^sampling .*"dpmpp_2m".*"num_inference_steps":12/m)
  })

  it.each(NAMES)('name a picture to begin with, of words that they know: %s', async (name) => {
    const { example, vocabulary } = await readConfig(join('models', name))
    expect(example).toEqual({ prompt: expect.stringMatching(/\w/), seed: expect.any(Number) })
    expect(exampleOf({ example, vocabulary })).toBe(example)
    expect(conditionerOf(vocabulary).warnings([example!.prompt])).toEqual([])
  })

  it('name their teachers by the hash of the weights, which a config does not change', async () => {
    const models = new Map(await Promise.all(NAMES.map(async (name) => [name, await infoOf(name)] as const)))
    for (const side of [16, 32])
      expect(models.get(`emoji-${side}-student`).parent).toBe(models.get(`emoji-${side}-teacher`).sha256)
    expect(models.get('emoji-16-guided').parent).toBe(models.get('emoji-16-teacher').sha256)
  })
})
