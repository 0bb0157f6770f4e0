/** Recipes of pictures: written into saved PNGs, and read from dropped ones. */
import { type Manifest, type Recipe, readRecipe } from '@onestroke/core/pipeline'
import { conditionerOf } from '@onestroke/core/text'
import { batch } from '@preact/signals'
import { ask } from './ask.js'
import { offer, readManifest, trouble } from './models.js'
import * as state from './state.js'

/** The recipe of the picture that is asked for now. */
export const recipeNow = (manifest: Manifest): Recipe => {
  const { prompt = '', seed = 0, steps, guidance_scale, negative_prompt, to } = ask(manifest)
  return {
    version: import.meta.env.VERSION,
    model: state.modelName.value,
    sha256: manifest.source.sha256,
    prompts: [prompt],
    seeds: [seed],
    num_inference_steps: steps ?? manifest.sampling.num_inference_steps,
    guidance_scale,
    negative_prompt: negative_prompt || undefined,
    to,
  }
}

/** Prompts as they were typed, and the style that stands behind each of them in a recipe; '' where none does. */
const withoutStyle = (
  prompts: readonly string[],
  { vocabulary }: Pick<Manifest, 'vocabulary'>,
): { style: string; typed: readonly string[] } => {
  const { styles } = conditionerOf(vocabulary)
  const endsIn = (text: string, style: string) => text === style || text.endsWith(` ${style}`)
  const style = styles.find((one) => prompts.every((text) => endsIn(text, one))) ?? ''
  return { style, typed: style ? prompts.map((text) => text.slice(0, -style.length).trimEnd()) : prompts }
}

/**
 * Asks for a PNG's first picture again. An edit cannot be repeated without the picture that it began with: its prompt and settings
 * paint from noise, and a message says so. Returns whether the PNG has a recipe.
 */
export const recall = async (file: File): Promise<boolean> => {
  const recipe = readRecipe(new Uint8Array(await file.arrayBuffer()))
  if (!recipe) return false
  const isHere = offer.value?.models.some(({ name }) => name === recipe.model)
  const count = recipe.seeds.length
  const notes = [
    count > 1 && `${file.name} is a sheet of ${count} pictures; its first is shown.`,
    !isHere &&
      `The picture is by the model ${recipe.model}, which is not here; this is what ${state.modelName.value} makes of it.`,
    recipe.edit && ofEdit(recipe.edit),
  ].filter(Boolean)
  const { to } = recipe
  const [first, last] = [recipe.prompts[0]!, to?.prompt ?? recipe.prompts[0]!]
  // A model that says nothing of itself now has nothing to tell of styles, and says why when it is loaded.
  const manifest = await readManifest(isHere ? recipe.model : state.modelName.value).catch(() => undefined)
  const { style, typed } = manifest
    ? withoutStyle([first, last], manifest)
    : { style: '', typed: [first, last] }
  trouble.value = notes.length > 0 ? notes.join(' ') : undefined
  batch(() => {
    state.view.value = 'paint'
    if (isHere) state.modelName.value = recipe.model
    state.prompt.value = typed[0]!
    state.style.value = style
    state.seed.value = recipe.seeds[0]!
    state.steps.value = recipe.num_inference_steps ?? 0
    state.guidance.value = recipe.guidance_scale ?? 1
    state.without.value = recipe.negative_prompt ?? ''
    state.toPrompt.value = last === first ? '' : typed[1]!
    state.toSeed.value = to ? (to.seed ?? recipe.seeds[0]!) : state.FIRST_OTHER_SEED
    state.mix.value = to?.weights[0] ?? 0
  })
  return true
}

const ofEdit = ({ strength, picture, mask }: NonNullable<Recipe['edit']>): string => {
  const how = [
    ...(strength === undefined ? [] : [`with strength ${strength}`]),
    ...(mask ? [`inside the mask ${mask.name}`] : []),
  ]
  return `The picture is an edit of ${picture.name}${how.length > 0 ? `, ${how.join(', ')}` : ''}. It cannot be repeated without ${picture.name}, which it does not bring: only its prompt, seed and settings are taken up, and this is what they paint from noise. Open ${picture.name} in Draw to edit it again.`
}
