/** Recipes: how pictures were made, stored in their PNG. */
import { readPngText, withPngText } from '../formats/index.js'
import type { GenerateOptions } from './options.js'

const KEYWORD = 'onestroke'

/** A picture that a recipe names, but does not hold. */
interface NamedPicture {
  /** Its file's name, without the folders; what it is where it came without one. */
  readonly name: string
  /** Hash of the file. */
  readonly sha256: string
}

/** Everything needed to paint the same pictures again, except an edited picture and its mask. */
export interface Recipe
  extends Pick<
    GenerateOptions,
    | 'guidance_scale'
    | 'negative_prompt'
    | 'solver'
    | 'num_inference_steps'
    | 'sigmas'
    | 'schedule'
    | 'gamma'
    | 'to'
  > {
  /** Version of onestroke that painted it. */
  readonly version?: string
  /** Name of the model. */
  readonly model: string
  /** Hash of its weights; of an exported model, of those that it was exported from. */
  readonly sha256?: string
  /** One for each picture, row by row. */
  readonly prompts: readonly string[]
  /** One for each picture. */
  readonly seeds: readonly number[]
  /** Only of an edit. */
  readonly edit?: {
    /** How much was painted anew, in [0, 1]; absent where `sigmas` say it. */
    readonly strength?: number
    /** What it began with. */
    readonly picture: NamedPicture
    readonly mask: NamedPicture | null
  }
}

/** The recipe of one picture of several. */
export const recipeOfOne = (recipe: Recipe, index: number): Recipe => {
  const { prompts, seeds, to } = recipe
  return {
    ...recipe,
    prompts: [prompts[index]!],
    seeds: [seeds[index]!],
    to: to && { ...to, weights: [to.weights[index]!] },
  }
}

/** @throws RangeError if the bytes are no PNG. */
export const withRecipe = (png: Uint8Array, recipe: Recipe): Uint8Array<ArrayBuffer> =>
  withPngText(png, KEYWORD, JSON.stringify(recipe))

/** The recipe in a PNG; undefined if there is none, if it cannot be understood, and for bytes of other formats. */
export const readRecipe = (bytes: Uint8Array): Recipe | undefined => {
  const text = readPngText(bytes, KEYWORD)
  if (text === undefined) return undefined
  try {
    const recipe = JSON.parse(text) as Partial<Recipe> | null
    const isList = (list: unknown, type: string) =>
      Array.isArray(list) && list.length > 0 && list.every((one) => typeof one === type)
    const understood =
      typeof recipe?.model === 'string' && isList(recipe.prompts, 'string') && isList(recipe.seeds, 'number')
    return understood ? (recipe as Recipe) : undefined
  } catch {
    return undefined
  }
}
