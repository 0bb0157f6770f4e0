/** Draw: strokes become a picture as they are drawn (image to image), and what a mask covers is painted anew (inpainting). */
import { type Manifest, shapeOf } from '@onestroke/core/pipeline'
import type { WebGenerateOptions, WebModel } from '@onestroke/core/web'
import { computed, effect, untracked, useSignalEffect } from '@preact/signals'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { ask, endOf, milliseconds, stepsOf, useModel } from './ask.js'
import { blank, type Drawing } from './brush.js'
import { Busy } from './busy.js'
import { Button, Choice, ShareSlider, Squares } from './controls.js'
import { change, drawing, mode, newDrawing, strength } from './drawing.js'
import { Easel } from './easel.js'
import { fitted, rgbaOf } from './fit.js'
import { handOver, handToDraw, UseAsInput } from './hand-over.js'
import { livePainter, type Took } from './live.js'
import { nameOf } from './names.js'
import { Picture, proportions, savePicture } from './picture.js'
import { Subject } from './prompt.js'
import { modelName, prompt, seed } from './state.js'
import { Tools, UndoRedo } from './tools.js'
import { Waiting } from './waiting.js'

export const Draw = () => {
  const wanted = useModel(modelName.value || undefined)
  return wanted.model ? <DrawWith model={wanted.model} /> : <Waiting of={[wanted]} />
}

const DrawWith = ({ model }: { model: WebModel }) => {
  const shape = shapeOf(model.manifest)
  const handed = useRef(handOver.value !== undefined)
  const file = useRef<HTMLInputElement>(null)
  /** The name is that of what was asked for: a picture that is saved later keeps it. */
  const [result, setResult] = useState<{ image: ImageData; took: Took; name: string }>()
  const [busy, setBusy] = useState(false)
  /** Why there is no picture of what is drawn; and why none was opened, which a painting that ends does not take away. */
  const [failed, setFailed] = useState('')
  const [refused, setRefused] = useState('')
  /** In the model's size: what is seen is what it is given. */
  const shown = useMemo(() => computed(() => fitted(drawing.value, shape)), [model])
  const isMask = mode.value === 'inpaint'

  useEffect(() => {
    const { manifest } = model
    const painter = livePainter(
      model,
      (image, took, name: string) => setResult({ image, took, name }),
      setFailed,
      setBusy,
    )
    const end = effect(() => {
      const request = requestFor(manifest, shown.value)
      painter.paint(
        request,
        untracked(() => nameOf(endOf(manifest, seed.value, prompt.value))),
      )
    })
    return () => {
      end()
      painter.stop()
    }
  }, [model])
  useSignalEffect(() => {
    void drawing.value
    setRefused('')
  })
  useSignalEffect(() => {
    const picture = handOver.value
    if (!picture) return
    handOver.value = undefined
    void open(picture)
  })
  const open = async (picture: ImageData | File) => {
    try {
      const opened = picture instanceof File ? await createImageBitmap(picture) : picture
      try {
        change({ ...blank(shape), pixels: rgbaOf(opened, shape) })
      } finally {
        if (opened instanceof ImageBitmap) opened.close()
      }
    } catch {
      const name = picture instanceof File ? picture.name : 'this picture'
      setRefused(`${name} is no picture that this browser can read`)
    }
  }
  return (
    <div class="draw" style={proportions(shape)}>
      <figure>
        <Easel
          drawing={shown}
          size={shape}
          first={handed.current}
          onDrop={(dropped) => handToDraw(dropped)}
        />
        <figcaption>
          <strong>{isMask ? 'Brush a mask over what should change' : 'Draw here'}</strong>{' '}
          <span>
            or open<span class="keys">, drop or paste (Ctrl+V)</span> a picture
          </span>
          <div class="row">
            <UndoRedo />
            <Button onClick={() => file.current!.click()}>Open a picture</Button>
            <Button onClick={newDrawing} title="White paper, and no mask. Undo brings back what was there.">
              New drawing
            </Button>
          </div>
          <input
            ref={file}
            type="file"
            accept="image/*"
            hidden
            aria-label="Picture to open"
            onChange={({ currentTarget }) => {
              const chosen = currentTarget.files?.[0]
              if (chosen) handToDraw(chosen)
              currentTarget.value = ''
            }}
          />
        </figcaption>
      </figure>
      <figure class="result" aria-busy={busy}>
        <div class="shown">
          <Picture
            image={result?.image}
            size={shape}
            alt={`What the model makes of it: ${prompt.value || 'a picture'}`}
          />
          <Busy when={busy} />
        </div>
        <figcaption>
          <strong>The model’s picture</strong>
          <span data-testid="drawn">
            {result ? `${milliseconds(result.took.model)} in ${stepsOf(result.took)}` : '…'}
          </span>
          <div class="row">
            <UseAsInput image={result?.image} />
            <Button disabled={!result} onClick={() => savePicture(result!.image, result!.name)}>
              Save PNG
            </Button>
          </div>
        </figcaption>
      </figure>
      <section class="controls" aria-label="Tools and settings">
        {(refused || failed) && (
          <p role="alert" class="alert">
            {refused || failed}
          </p>
        )}
        <div>
          <Choice
            label="Mode"
            value={mode}
            options={[
              ['image-to-image', 'Image to image', 'The model paints your drawing again'],
              ['inpaint', 'Inpaint (mask)', 'The model paints what you mask'],
            ]}
          />
          <p class="hint">
            {isMask
              ? 'What the mask covers is painted anew. Every pixel outside of it stays exactly as it is.'
              : 'The model paints your drawing, or a picture that you open, again.'}
          </p>
        </div>
        <Tools />
        {!isMask && (
          <ShareSlider
            label="Strength"
            value={strength}
            min={0.1}
            max={1}
            hint="Little keeps your strokes, much leaves them to the model. With onestroke’s own models 30 % keeps colours and shapes, and from 40 % on hardly any of them is left."
          />
        )}
        <Subject manifest={model.manifest} />
        <Squares />
      </section>
    </div>
  )
}

/** What a model is asked for. Reads the state's signals, as `ask` does. */
const requestFor = (manifest: Manifest, { height, width, pixels, mask }: Drawing): WebGenerateOptions => {
  // Steps are for painting from nothing; students take more of them in an edit.
  const { to: _, steps: __, ...options } = ask(manifest)
  const image = new ImageData(pixels, width, height)
  if (mode.value === 'image-to-image') return { ...options, image, strength: strength.value }
  const covered = new ImageData(width, height)
  for (const [i, value] of mask.entries())
    covered.data.set([255 * value, 255 * value, 255 * value, 255], 4 * i)
  return { ...options, image, mask: covered }
}
