/** Draw: strokes become a picture as they are drawn, and what a brush covers is painted anew. */
import { signal } from '@preact/signals'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { ask, milliseconds, stepsOf, useModel } from './ask.js'
import { clear, newSurface, put, sample, Undo } from './brush.js'
import { Busy } from './busy.js'
import { Button, Choice, Slider, Squares } from './controls.js'
import { Easel } from './easel.js'
import { handOver } from './hand-over.js'
import { livePainter, type Took } from './live.js'
import { nameOf } from './names.js'
import { Picture, savePicture } from './picture.js'
import { Subject } from './prompt.js'
import { guidance, modelName, prompt, seed, style, without } from './state.js'
import { Waiting } from './waiting.js'

const COLOURS = [
  '#111111',
  '#ffffff',
  '#e03131',
  '#f08c00',
  '#ffd43b',
  '#2f9e44',
  '#1c7ed6',
  '#9c36b5',
  '#8d5524',
]
const PAPER = '#ffffff'

const tool = signal('draw')
const colour = signal(COLOURS[2]!)
const size = signal(36)
const strength = signal(0.5)
/** What is drawn stays when another view is looked at. */
const [picture, mask, undo] = [newSurface(PAPER), newSurface(), new Undo()]

export const Draw = () => {
  const wanted = useModel(modelName.value || undefined)
  const { model } = wanted
  const handed = useRef(handOver.value !== undefined)
  const [version, setVersion] = useState(0)
  const [result, setResult] = useState<{ image: ImageData; took: Took }>()
  const [busy, setBusy] = useState(false)
  /** Why there is no picture of what is drawn; and why none was opened, which a painting that ends does not take away. */
  const [failed, setFailed] = useState('')
  const [refused, setRefused] = useState('')
  const file = useRef<HTMLInputElement>(null)
  const changed = () => {
    setRefused('')
    setVersion((one) => one + 1)
  }
  const inpainting = tool.value === 'inpaint'

  useEffect(() => {
    if (!handOver.value) return
    undo.keep(picture, mask)
    put(picture, handOver.value)
    clear(mask)
    handOver.value = undefined
    changed()
  }, [])

  const painter = useMemo(
    () => model && livePainter(model, (image, took) => setResult({ image, took }), setFailed, setBusy),
    [model],
  )
  useEffect(() => () => painter?.stop(), [painter])
  const repaint = () => {
    if (!model || !painter) return
    const { resolution } = model.manifest.network
    const { to: _, steps: __, ...options } = ask(model.manifest)
    const image = sample(picture, resolution, PAPER)
    painter.paint(
      inpainting
        ? { ...options, image, mask: sample(mask, resolution, '#000000') }
        : { ...options, image, strength: strength.value },
    )
  }
  useEffect(repaint, [
    model,
    version,
    inpainting,
    strength.value,
    prompt.value,
    style.value,
    seed.value,
    guidance.value,
    without.value,
  ])

  const open = async (chosen: File) => {
    try {
      const opened = await createImageBitmap(chosen)
      undo.keep(picture, mask)
      put(picture, opened)
      opened.close()
      clear(mask)
      changed()
    } catch {
      setRefused(`${chosen.name} is no picture that this browser can read`)
    }
  }
  if (!model) return <Waiting of={[wanted]} />
  return (
    <div class="draw">
      <section class="pair" aria-label="Drawing and picture">
        <figure>
          <Easel
            picture={picture}
            undo={undo}
            version={version}
            mask={inpainting ? mask : undefined}
            brush={{ colour: inpainting ? '#ffffff' : colour.value, size: size.value }}
            first={handed.current}
            label={inpainting ? 'What is to be painted anew' : 'Your drawing'}
            onChange={() => {
              setRefused('')
              repaint()
            }}
            onDrop={open}
          />
          <figcaption>
            <strong>{inpainting ? 'Brush over what should change' : 'Draw here'}</strong>
            <span>or drop a picture</span>
          </figcaption>
        </figure>
        <figure aria-busy={busy}>
          <div class="shown">
            <Picture
              image={result?.image}
              alt={`What the model makes of it: ${prompt.value || 'a picture'}`}
            />
            <Busy when={busy} />
          </div>
          <figcaption>
            <strong>The model’s picture</strong>
            <span data-testid="drawn">
              {result ? `${milliseconds(result.took.model)} in ${stepsOf(result.took)}` : '…'}
            </span>
          </figcaption>
        </figure>
      </section>
      <section class="controls" aria-label="Brush and prompt">
        {(refused || failed) && (
          <p role="alert" class="alert">
            {refused || failed}
          </p>
        )}
        <Choice
          label="Brush"
          value={tool}
          options={[
            ['draw', 'Draw'],
            ['inpaint', 'Paint anew'],
          ]}
        />
        {!inpainting && <Palette />}
        <Slider label="Size" value={size} min={6} max={120} step={2} />
        {inpainting ? (
          <p class="hint">What you cover is painted anew; the rest stays as it is.</p>
        ) : (
          <Slider
            label="Strength"
            value={strength}
            min={0.1}
            max={1}
            step={0.01}
            show={(value) => `${Math.round(100 * value)} %`}
            hint="Little keeps your strokes, much leaves them to the model."
          />
        )}
        <Subject manifest={model.manifest} />
        <Squares />
        <div class="row">
          <Button
            disabled={undo.length === 0}
            onClick={() => {
              undo.back()
              changed()
            }}
          >
            Undo
          </Button>
          <Button
            onClick={() => {
              const surface = inpainting ? mask : picture
              undo.keep(surface)
              clear(surface, inpainting ? undefined : PAPER)
              changed()
            }}
          >
            Clear
          </Button>
          <Button onClick={() => file.current!.click()}>Open a picture</Button>
          <Button
            disabled={!result}
            onClick={() => {
              undo.keep(picture, mask)
              put(picture, result!.image)
              clear(mask)
              changed()
            }}
          >
            Go on from it
          </Button>
          <Button
            disabled={!result}
            onClick={() => savePicture(result!.image, nameOf({ prompt: prompt.value, seed: seed.value }))}
          >
            Save PNG
          </Button>
          <input
            ref={file}
            type="file"
            accept="image/*"
            hidden
            aria-label="Picture to open"
            onChange={({ currentTarget }) => {
              const chosen = currentTarget.files?.[0]
              if (chosen) void open(chosen)
              currentTarget.value = ''
            }}
          />
        </div>
      </section>
    </div>
  )
}

const NAMES = ['black', 'white', 'red', 'orange', 'yellow', 'green', 'blue', 'violet', 'brown']

const Palette = () => (
  <fieldset class="palette">
    <legend>Colour</legend>
    {COLOURS.map((one, i) => (
      <label key={one} title={NAMES[i]}>
        <input
          type="radio"
          name="colour"
          checked={colour.value === one}
          aria-label={NAMES[i]}
          onChange={() => {
            colour.value = one
          }}
        />
        <span style={{ background: one }} />
      </label>
    ))}
    <input
      type="color"
      aria-label="Another colour"
      value={colour.value}
      onInput={({ currentTarget }) => {
        colour.value = currentTarget.value
      }}
    />
  </fieldset>
)
