/** Paint: a prompt, sliders, and a picture that follows them. */
import type { WebModel } from '@onestroke/core/web'
import { effect, signal } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import {
  ask,
  deviceName,
  guidanceFor,
  guidanceRange,
  isGuided,
  milliseconds,
  mostSteps,
  stepsOf,
  textFor,
  useModel,
} from './ask.js'
import { Button, SeedField, Slider } from './controls.js'
import { UseAsInput } from './hand-over.js'
import { livePainter, type Took } from './live.js'
import { copyPicture, Picture, savePicture, saveSheet } from './picture.js'
import { PromptField, Subject } from './prompt.js'
import { recipeNow } from './recall.js'
import * as state from './state.js'
import {
  drawSeed,
  guidance,
  link,
  mix,
  modelName,
  prompt,
  seed,
  steps,
  toPrompt,
  toSeed,
  without,
} from './state.js'
import { Waiting } from './waiting.js'

const shown = signal<ImageData | undefined>(undefined)
const took = signal<Took | undefined>(undefined)
const note = signal('')
/** Whose picture it is. */
let painter: WebModel | undefined

export const Paint = () => {
  const wanted = useModel(modelName.value || undefined)
  const { model } = wanted
  useEffect(() => {
    if (!model) return
    const { manifest } = model
    if (model !== painter) [painter, shown.value, took.value] = [model, undefined, undefined]
    steps.value = Math.min(mostSteps(manifest), steps.value || manifest.sampling.num_inference_steps)
    const { paint, stop } = livePainter(
      model,
      (image, time) => {
        shown.value = image
        took.value = time
      },
      (text) => {
        note.value = text
      },
    )
    const end = effect(() => paint(ask(manifest)))
    return () => {
      end()
      stop()
    }
  }, [model])
  // Once it is open, moving the slider to 0 must not take it away from under the hand.
  const wayShown = useRef(false)
  wayShown.current ||= mix.value > 0
  if (!model) return <Waiting of={[wanted]} />
  const { manifest } = model
  const [[least, most], scale] = [guidanceRange(manifest), guidanceFor(manifest)]
  const title = textFor(manifest, nearerEnd().prompt) || 'a picture'
  return (
    <div class="paint">
      <section class="stage" aria-label="Picture">
        <Picture image={shown.value} alt={`${title}, seed ${seed.value}`} />
        <Status model={model} />
        <div class="row">
          <Button
            disabled={!shown.value}
            onClick={() => savePicture(shown.value!, `${title}-${seed.value}`, recipeNow(manifest))}
          >
            Save PNG
          </Button>
          <Copy label="Copy picture" disabled={!shown.value} copy={() => copyPicture(shown.value!)} />
          <Copy label="Copy link" copy={() => navigator.clipboard.writeText(link())} />
          <UseAsInput image={shown.value} />
        </div>
      </section>
      <section class="controls" aria-label="What to paint">
        <Subject vocabulary={manifest.vocabulary} />
        <Slider
          label="Steps"
          value={steps}
          min={1}
          max={mostSteps(manifest)}
          step={1}
          show={(value) => (value === 1 ? '1 step' : `${value} steps`)}
        />
        {isGuided(manifest) ? (
          <>
            <Slider
              label="Guidance"
              value={guidance}
              min={least}
              max={most}
              step={0.1}
              show={() => (scale === 1 ? 'none' : scale.toFixed(1))}
            />
            {scale !== 1 && (
              <PromptField
                label="Away from"
                value={without}
                vocabulary={manifest.vocabulary}
                placeholder="nothing"
              />
            )}
          </>
        ) : (
          manifest.vocabulary.kind !== 'none' && (
            <p class="hint">
              Guidance was fixed when this model was distilled. <code>distill --guidance-scale 1-6</code>{' '}
              makes it a slider.
            </p>
          )
        )}
        <details open={wayShown.current}>
          <summary>On the way to another picture</summary>
          <PromptField
            label="Other prompt"
            value={toPrompt}
            vocabulary={manifest.vocabulary}
            placeholder="the same"
          />
          <SeedField label="Other seed" value={toSeed} draw={drawSeed} />
          <Slider
            label="Mix"
            value={mix}
            min={0}
            max={1}
            step={0.01}
            show={(value) => `${Math.round(100 * value)} %`}
          />
        </details>
        <label class="check">
          <input
            type="checkbox"
            checked={state.pixels.value}
            onChange={({ currentTarget }) => {
              state.pixels.value = currentTarget.checked
            }}
          />
          Show pixels as squares
        </label>
      </section>
      <Grid model={model} />
    </div>
  )
}

const Status = ({ model }: { model: WebModel }) => {
  return (
    <p class="status">
      {note.value ? (
        <span role="alert" class="alert">
          {note.value}
        </span>
      ) : (
        took.value && (
          <>
            <strong data-testid="latency">{milliseconds(took.value.model)}</strong> a picture in{' '}
            {stepsOf(took.value)}, {milliseconds(took.value.page)} from slider to page · {deviceName(model)}
          </>
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
  readonly of: End
  readonly seeds: readonly number[]
  readonly images: readonly ImageData[]
}

interface End {
  readonly seed: number
  readonly prompt: string
}

/** What the picture is more of: where it is on its way to another, the nearer end. */
const nearerEnd = (): End =>
  mix.value < 0.5
    ? { seed: seed.value, prompt: prompt.value }
    : { seed: toSeed.value, prompt: state.otherPrompt() }

const Grid = ({ model }: { model: WebModel }) => {
  const [found, setFound] = useState<Relatives>()
  const [busy, setBusy] = useState(false)
  const controller = useRef(new AbortController())
  // Whoever looks elsewhere does not wait for twelve pictures.
  useEffect(() => () => controller.current.abort(), [model])
  const show = async (alike: boolean) => {
    controller.current = new AbortController()
    const { signal } = controller.current
    setBusy(true)
    const end = nearerEnd()
    const { seed: _, to: __, prompt: ___, ...options } = ask(model.manifest)
    const text = textFor(model.manifest, end.prompt)
    const seeds = Array.from({ length: COUNT }, drawSeed)
    const images = await model
      .generateBatch({
        ...options,
        prompts: seeds.map(() => text),
        seeds,
        signal,
        ...(alike && { to: { seed: end.seed, weights: seeds.map(() => LIKENESS) } }),
      })
      .catch((error: Error) => {
        if (!signal.aborted) note.value = error.message
      })
    if (images) setFound({ alike, of: end, seeds, images })
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
          More like this
        </Button>
        <Button disabled={busy} onClick={() => show(false)}>
          Other seeds
        </Button>
        {found && (
          <Button onClick={() => saveSheet(found.images, `${prompt.value || 'sprites'}-sheet`, COLUMNS)}>
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
