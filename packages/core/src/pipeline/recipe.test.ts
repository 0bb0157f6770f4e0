import { PNG } from 'pngjs'
import { describe, expect, it } from 'vitest'
import { withPngText } from '../formats/index.js'
import { type Recipe, readRecipe, withRecipe } from './recipe.js'

const png = PNG.sync.write(new PNG({ width: 1, height: 1, fill: true }))
const recipe: Recipe = {
  model: 'emoji-32-student',
  prompts: ['cat face', 'żółw 🐢'],
  seeds: [4294967295, 0],
  num_inference_steps: 1,
  to: { seed: 3, weights: [0, 1] },
}

describe('a recipe', () => {
  it('is read from the PNG as it was written', () => {
    expect(readRecipe(withRecipe(png, recipe))).toEqual(recipe)
  })

  it.each([
    'null',
    '3',
    '{"model":',
    '{"model":"m","prompts":"cat","seeds":[1]}',
    '{"model":"m","prompts":["cat"],"seeds":["1"]}',
    '{"model":"m","prompts":[],"seeds":[]}',
    '{"prompts":["cat"],"seeds":[1]}',
  ])('is none where the note is something else: %s', (text) => {
    expect(readRecipe(withPngText(png, 'onestroke', text))).toBeUndefined()
  })

  it('is none in other files', () => {
    expect(readRecipe(png)).toBeUndefined()
    expect(readRecipe(new TextEncoder().encode('text'))).toBeUndefined()
  })
})
