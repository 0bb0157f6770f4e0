/** Makes a model's request from the page's settings. */
import { exampleOf, type Manifest, takesGuidance } from '@onestroke/core/pipeline'
import { conditionerOf } from '@onestroke/core/text'
import type { WebGenerateOptions, WebModel } from '@onestroke/core/web'
import { effect } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { entryOf, openModel, THREADS } from './models.js'
import type { End } from './names.js'
import * as state from './state.js'

/** The guidance scales that a model can be asked for: what a student learned, or what still helps a teacher. */
export const guidanceRange = ({ sampling }: Manifest): readonly [least: number, most: number] =>
  sampling.guidance_range ?? [1, 8]

/** The scale that was chosen, as far as the model knows it. */
export const guidanceFor = (manifest: Manifest): number => {
  const [least, most] = guidanceRange(manifest)
  return Math.min(Math.max(state.guidance.value, least), most)
}

export const mostSteps = ({ kind }: Manifest): number => (kind === 'teacher' ? 32 : 8)

/** Reading the state's signals here is what makes a caller's effect follow them. */
export const ask = (manifest: Manifest): WebGenerateOptions => {
  const { prompt, seed, steps, without, toSeed, mix } = state
  const guidance_scale = guidanceFor(manifest)
  const to = { prompt: textFor(manifest, state.otherPrompt()), seed: toSeed.value, weights: [mix.value] }
  return {
    prompt: textFor(manifest, prompt.value),
    seed: seed.value,
    ...(steps.value > 0 && { steps: Math.min(steps.value, mostSteps(manifest)) }),
    ...(takesGuidance(manifest) && { guidance_scale }),
    // A negative prompt does nothing without guidance, and its field is hidden.
    ...(takesGuidance(manifest) &&
      guidance_scale !== 1 && { negative_prompt: known(manifest, without.value.trim()) }),
    ...(mix.value > 0 && { to }),
  }
}

/** The prompt with the style, for models that read words. */
const textFor = (manifest: Manifest, text: string): string => {
  const conditioner = conditionerOf(manifest.vocabulary)
  return known(manifest, conditioner.classes ? text : state.words(text, conditioner))
}

/** What a picture is painted from, as the model reads it. */
export const endOf = (manifest: Manifest, seed: number, text: string): End => ({
  prompt: textFor(manifest, text),
  seed,
})

/** A prompt that the model cannot take, such as another model's class, becomes the empty prompt. */
const known = ({ vocabulary }: Manifest, text: string): string =>
  conditionerOf(vocabulary).refusal(text) === undefined ? text : ''

/** A model that is wanted: there, or not yet, or not at all, with why. */
export interface Wanted {
  readonly name: string | undefined
  readonly model?: WebModel
  readonly failure?: string
  /** Loads it again. */
  retry(): void
}

/** A model by name. */
export const useModel = (name: string | undefined): Wanted => {
  const [found, setFound] = useState<Pick<Wanted, 'model' | 'failure'>>({})
  const [tries, setTries] = useState(0)
  const sha256 = entryOf(name)?.sha256
  useEffect(() => {
    setFound({})
    if (!name) return
    let wanted = true
    openModel(name).then(
      (model) => {
        if (!wanted) return
        setFound({ model })
        // A graphics device that was lost may come back, or WebAssembly takes its place.
        void model.whenEnded.then(() => wanted && setTries(tries + 1))
      },
      ({ message, remedy }: Error & { remedy?: string }) => {
        if (wanted) setFound({ failure: remedy ? `${message}; ${remedy}` : message })
      },
    )
    return () => {
      wanted = false
    }
  }, [name, sha256, tries])
  const { model } = found
  useEffect(() => {
    if (!model || name !== state.modelName.value) return
    const example = exampleOf(model.manifest)
    return effect(() => state.begin(example))
  }, [model])
  return { name, ...found, retry: () => setTries(tries + 1) }
}

/** "7.3 ms": as exact as it is steady. */
export const milliseconds = (value: number): string =>
  `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`

export const deviceName = ({ device }: WebModel): string =>
  device === 'webgpu' ? 'WebGPU' : `WebAssembly, ${THREADS === 1 ? 'one thread' : `${THREADS} threads`}`

export const seconds = (value: number): string =>
  value < 1 ? milliseconds(1000 * value) : `${value.toFixed(1)} s`

export const stepsOf = ({ steps }: { readonly steps: number }): string =>
  steps === 1 ? 'one step' : `${steps} steps`
