/** Paint: a prompt, sliders, and a picture that follows them. */
import { type Recipe, shapeOf } from '@onestroke/core/pipeline'
import type { WebModel } from '@onestroke/core/web'
import { effect, signal, untracked } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ask, deviceName, endOf, milliseconds, mostSteps, stepsOf, useModel } from './ask.js'
import { Busy } from './busy.js'
import { Button, SeedField, ShareSlider, Slider, Squares } from './controls.js'
import { UseAsInput } from './hand-over.js'
import { livePainter, type Took } from './live.js'
import { nameOf, nameOfWay } from './names.js'
import { type Asked, keepPast, PastPictures } from './past.js'
import { copyPicture, Picture, proportions, savePicture, saveSheet } from './picture.js'
import { PromptField, Subject } from './prompt.js'
import { recipeNow } from './recall.js'
import * as state from './state.js'
import { drawSeed, link, mix, modelName, pictureNow, prompt, seed, steps, toPrompt, toSeed } from './state.js'
import { Waiting } from './waiting.js'
import { SaveWay } from './way.js'

/** The settings of the shown picture: its caption and its file tell these, whatever was changed since. */
interface About extends Asked {
  readonly recipe: Recipe
}

interface Painted {
  readonly image: ImageData
  readonly took: Took
  readonly about: About
}

const shown = signal<Painted | undefined>(undefined)
const note = signal('')
/** Whether another picture than `shown` is asked for. */
const busy = signal(false)
/** The model that painted `shown`. */
let painter: WebModel | undefined

/** Milliseconds that a picture stands before it belongs to the history: those that a slider passes do not. */
const STANDS = 700

export const Paint = () => {
  const wanted = useModel(modelName.value || undefined)
  const { name, model } = wanted
  useEffect(() => {
    if (!model) return
    const { manifest } = model
    if (model !== painter) [painter, shown.value] = [model, undefined]
    let stands: ReturnType<typeof setTimeout> | undefined
    const { paint, stop } = livePainter(
      model,
      (image, took, about: About) => {
        shown.value = { image, took, about }
      },
      (text) => {
        note.value = text
      },
      (working) => {
        busy.value = working
        clearTimeout(stands)
        if (working || note.value) return
        const { image, about } = shown.value!
        stands = setTimeout(() => keepPast(image, about), STANDS)
      },
    )
    const end = effect(() => {
      // Another model is on its way: what is asked for now is for that one.
      if (modelName.value !== name) return
      // Not read as a signal here: writing it would make this run twice.
      steps.value = Math.min(mostSteps(manifest), steps.peek() || manifest.sampling.num_inference_steps)
      const options = ask(manifest)
      const about = untracked(() => ({
        title: titleOf(model),
        asked: pictureNow(),
        recipe: recipeNow(manifest),
      }))
      paint(options, about)
    })
    return () => {
      end()
      stop()
      clearTimeout(stands)
    }
  }, [model])
  // Once it is open, moving the slider to 0 must not take it away from under the hand.
  const wayShown = useRef(false)
  wayShown.current ||= mix.value > 0
  if (!model) return <Waiting of={[wanted]} />
  const { manifest } = model
  const shape = shapeOf(manifest)
  return (
    <div class="paint" style={proportions(shape)}>
      <section class="stage" aria-label="Picture" aria-busy={busy.value}>
        <div class="shown">
          <Picture image={shown.value?.image} size={shape} alt={shown.value?.about.title ?? titleOf(model)} />
          <Busy when={busy.value} />
        </div>
        <Status model={model} />
        <div class="row">
          <Button
            disabled={!shown.value}
            onClick={() => {
              const { image, about } = shown.value!
              void savePicture(image, about.title, about.recipe)
            }}
          >
            Save PNG
          </Button>
          <Copy label="Copy picture" disabled={!shown.value} copy={() => copyPicture(shown.value!.image)} />
          <Copy label="Copy link" copy={() => navigator.clipboard.writeText(link())} />
          <UseAsInput image={shown.value?.image} />
        </div>
      </section>
      <section class="controls" aria-label="What to paint">
        <Subject manifest={manifest} />
        <Slider
          label="Steps"
          value={steps}
          min={1}
          max={mostSteps(manifest)}
          step={1}
          show={(value) => (value === 1 ? '1 step' : `${value} steps`)}
        />
        <details open={wayShown.current}>
          <summary>Interpolate to another picture</summary>
          <PromptField
            label="Other prompt"
            value={toPrompt}
            vocabulary={manifest.vocabulary}
            placeholder="the same"
          />
          <SeedField label="Other seed" value={toSeed} draw={drawSeed} />
          <ShareSlider label="Mix" value={mix} min={0} max={1} />
          <SaveWay model={model} />
        </details>
        <Squares />
      </section>
      <PastPictures />
      <Grid model={model} />
    </div>
  )
}

/** What is painted now, in words: "red apple seed 5", or how far it is on the way to another. */
const titleOf = ({ manifest }: WebModel): string => {
  const [from, to] = [
    endOf(manifest, seed.value, prompt.value),
    endOf(manifest, toSeed.value, state.otherPrompt()),
  ]
  if (mix.value === 0) return nameOf(from)
  return mix.value === 1 ? nameOf(to) : `${nameOfWay(from, to)} ${Math.round(100 * mix.value)} percent`
}

const Status = ({ model }: { model: WebModel }) => {
  const took = shown.value?.took
  return (
    <p class="status">
      {note.value ? (
        <span role="alert" class="alert">
          {note.value}
        </span>
      ) : (
        took && (
          // The time is the last picture's, also while another one is painted.
          <span class="took" aria-hidden={busy.value}>
            <strong data-testid="latency">{milliseconds(took.model)}</strong> a picture in {stepsOf(took)},{' '}
            {milliseconds(took.page)} from slider to page · {deviceName(model)}
          </span>
        )
      )}
    </p>
  )
}

interface CopyProps {
  label: string
  copy: () => Promise<void>
  disabled?: boolean
}

/** A button that says that it worked, or why not. */
const Copy = ({ label, copy, disabled = false }: CopyProps) => {
  const [said, setSaid] = useState<string>()
  return (
    <Button
      disabled={disabled}
      onClick={async () => {
        // Browsers have no clipboard for pages that are neither https nor localhost.
        const copied = isSecureContext ? copy() : Promise.reject(new Error('it needs https'))
        await copied.then(
          () => setSaid('Copied'),
          (error: Error) => setSaid(`Not allowed: ${error.message}`),
        )
        setTimeout(() => setSaid(undefined), 2500)
      }}
    >
      <span aria-live="polite">{said ?? label}</span>
    </Button>
  )
}

const COUNT = 12
const COLUMNS = 6
/** How much of itself a picture keeps in its relatives. */
const LIKENESS = 0.62

interface Relatives {
  /** Alike: from noises near this one's. Else from others. */
  readonly alike: boolean
  /** Seed and prompt that they are relatives of. */
  readonly of: { readonly seed: number; readonly prompt: string }
  readonly seeds: readonly number[]
  readonly images: readonly ImageData[]
  /** The name of the file for the sheet. */
  readonly name: string
  readonly recipe: Recipe
}

/** What the picture is more of: where it is on its way to another, the nearer end. */
const nearerEnd = (): Relatives['of'] =>
  mix.value < 0.5
    ? { seed: seed.value, prompt: prompt.value }
    : { seed: toSeed.value, prompt: state.otherPrompt() }

const Grid = ({ model }: { model: WebModel }) => {
  const [found, setFound] = useState<Relatives>()
  const [busy, setBusy] = useState(false)
  const controller = useRef(new AbortController())
  // A change of view stops the other pictures.
  useEffect(() => () => controller.current.abort(), [model])
  const show = async (alike: boolean) => {
    controller.current = new AbortController()
    const { signal } = controller.current
    setBusy(true)
    const of = nearerEnd()
    const { manifest } = model
    const { seed: _, to: __, prompt: ___, ...options } = ask(manifest)
    const end = endOf(manifest, of.seed, of.prompt)
    const seeds = Array.from({ length: COUNT }, drawSeed)
    const prompts = seeds.map(() => end.prompt)
    const to = alike ? { seed: of.seed, weights: seeds.map(() => LIKENESS) } : undefined
    const recipe: Recipe = { ...recipeNow(manifest), prompts, seeds, to }
    const images = await model
      .generateBatch({ ...options, prompts, seeds, to, signal })
      .catch((error: Error) => {
        if (!signal.aborted) note.value = error.message
      })
    const name = alike
      ? `${nameOf(end)} variations`
      : `${nameOf({ ...end, seed: seeds[0]! })} and ${COUNT - 1} more`
    if (images) setFound({ alike, of, seeds, images, name, recipe })
    setBusy(false)
  }
  const take = ({ alike, of }: Relatives, chosen: number) => {
    if (alike) {
      // The relative is a point of the way from its own noise to that one's.
      toSeed.value = of.seed
      toPrompt.value = ''
    }
    mix.value = alike ? LIKENESS : 0
    prompt.value = of.prompt
    seed.value = chosen
  }
  return (
    <section class="grid" aria-label="Variations">
      <div class="row">
        <Button disabled={busy} onClick={() => show(true)}>
          Variations
        </Button>
        <Button disabled={busy} onClick={() => show(false)}>
          Other seeds
        </Button>
        {found && (
          <Button onClick={() => saveSheet(found.images, found.name, COLUMNS, found.recipe)}>
            Save sprite sheet
          </Button>
        )}
      </div>
      {found && (
        <ul class="tiles" style={{ '--columns': COLUMNS }}>
          {found.images.map((image, i) => (
            <li key={found.seeds[i]}>
              <button type="button" class="tile" onClick={() => take(found, found.seeds[i]!)}>
                <Picture image={image} alt={`seed ${found.seeds[i]}: take it`} />
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
