/** What a PNG of the server tells of itself. */
import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { readRecipe } from '../../packages/core/src/pipeline/index.js'
import { loadModel, sha256Of } from '../../packages/onestroke/src/model/index.js'
import { scratch, succeeds } from '../cli/testing.js'
import { image, mask } from './pictures.js'
import { STUDENT, start } from './testing.js'

const { at } = await scratch()
const server = await start()

describe('a picture', () => {
  it('tells in its PNG how it was painted, whoever asks', async () => {
    const { sha256 } = await loadModel(STUDENT)
    const { version } = JSON.parse(await readFile('packages/onestroke/package.json', 'utf8'))
    const recipe = {
      version,
      model: 'emoji-16-guided',
      sha256,
      prompts: ['owl'],
      seeds: [5],
      solver: 'consistency',
      num_inference_steps: 4,
      guidance_scale: 2,
    }
    const asked = { prompt: 'owl', seed: 5, steps: 4 }
    const json = async (path: string, body: object) => (await server.post(path, { ...asked, ...body })).json()
    const whole = await server.post('/generate', {
      ...asked,
      n: 2,
      guidance_scale: 2,
      negative_prompt: 'red',
    })
    const sheet = Buffer.from(await whole.arrayBuffer())
    const told = { ...recipe, prompts: ['owl', 'owl'], seeds: [5, 6], negative_prompt: 'red' }
    expect(readRecipe(sheet)).toEqual(told)
    const file = at('sheet.png')
    await writeFile(file, sheet)
    const { stdout } = await succeeds(['info', file, '--json'])
    expect(JSON.parse(stdout)).toEqual({ kind: 'picture', ...told })

    const recipeIn = (text: string) => readRecipe(Buffer.from(text, 'base64'))
    const way = { n: 2, guidance_scale: 2, format: 'json', to: { seed: 9 } }
    const { images } = await json('/generate', way)
    const to = (weight: number) => ({ seed: 9, weights: [weight] })
    expect(images.map(({ b64 }: { b64: string }) => recipeIn(b64))).toEqual(
      [0, 1].map((weight) => ({ ...recipe, to: to(weight) })),
    )
    const { images: edited } = await json('/generate', { guidance_scale: 2, format: 'json', image, mask })
    const [picture, hole] = [image, mask].map((text) => sha256Of(Buffer.from(text, 'base64')))
    expect(recipeIn(edited[0].b64)).toEqual({
      ...recipe,
      edit: {
        strength: 1,
        picture: { name: "the request's image", sha256: picture },
        mask: { name: "the request's mask", sha256: hole },
      },
    })
    const { data } = await json('/v1/images/generations', { guidance_scale: 2, size: '40x30' })
    expect(recipeIn(data[0].b64_json)).toEqual(recipe)
    const web = await json('/sdapi/v1/txt2img', { cfg_scale: 2, n_iter: 2 })
    expect(web.images.map(recipeIn)).toEqual([5, 6].map((seed) => ({ ...recipe, seeds: [seed] })))
  })
})
