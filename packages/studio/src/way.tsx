/** Saves an interpolation between two pictures, as an animation that runs there and back or as a strip. */
import type { WebModel } from '@onestroke/core/web'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ask, endOf } from './ask.js'
import { Button } from './controls.js'
import { nameOfWay } from './names.js'
import { enlarged, pngOf, save } from './picture.js'
import { otherPrompt, prompt, seed, toSeed } from './state.js'

/** Pictures of an animation, one way. */
const FRAMES = 24
/** Pictures of a strip. */
const PIECES = 8
/** Pictures in one run: few, so that the count moves, and leaving the view stops soon. */
const AT_ONCE = 4
/** Milliseconds that each picture is shown, and those at both ends. */
const [SHORT, LONG] = [60, 600]
/** Pixels of a picture's longer side that people like to see. */
const SIDE = 256

export const SaveWay = ({ model }: { model: WebModel }) => {
  const [said, setSaid] = useState('')
  const [busy, setBusy] = useState(false)
  const controller = useRef(new AbortController())
  useEffect(() => () => controller.current.abort(), [model])

  /** Pictures at even distances, both ends included. */
  const paint = async (count: number, signal: AbortSignal): Promise<readonly ImageData[]> => {
    const { manifest } = model
    const { to: _, prompt: from = '', seed: start = 0, ...options } = ask(manifest)
    const other = endOf(manifest, toSeed.value, otherPrompt())
    const weights = Array.from({ length: count }, (_, i) => i / (count - 1))
    const images: ImageData[] = []
    while (images.length < count) {
      setSaid(`Painting ${images.length + 1} of ${count}…`)
      const some = weights.slice(images.length, images.length + AT_ONCE)
      const found = await model.generateBatch({
        ...options,
        prompts: some.map(() => from),
        seeds: some.map(() => start),
        to: { ...other, weights: some },
        signal,
      })
      images.push(...found)
    }
    return images
  }

  const keep = async (
    count: number,
    ending: string,
    write: (images: readonly ImageData[], signal: AbortSignal) => Promise<Blob>,
  ) => {
    controller.current = new AbortController()
    const { signal } = controller.current
    setBusy(true)
    try {
      const [from, to] = [
        endOf(model.manifest, seed.value, prompt.value),
        endOf(model.manifest, toSeed.value, otherPrompt()),
      ]
      const images = await paint(count, signal)
      setSaid('Writing the file…')
      const blob = await write(images, signal)
      signal.throwIfAborted()
      save(blob, `${nameOfWay(from, to)}.${ending}`)
      setSaid('')
    } catch (error) {
      if (!signal.aborted) setSaid((error as Error).message)
    }
    setBusy(false)
  }
  return (
    <div>
      <div class="row">
        <Button disabled={busy} onClick={() => keep(FRAMES, 'gif', gifOf)}>
          Save GIF
        </Button>
        <Button
          disabled={busy}
          onClick={() => keep(PIECES, 'png', (images) => pngOf(images, scaleFor(images), images.length))}
        >
          Save strip
        </Button>
      </div>
      <p class="hint" role="status">
        {said}
      </p>
    </div>
  )
}

/** How many times a pixel is enlarged. */
const scaleFor = ([first]: readonly ImageData[]): number =>
  Math.max(1, Math.round(SIDE / Math.max(first!.height, first!.width)))

/** An animation for ever, there and back. Each picture has a palette of its own. */
const gifOf = async (images: readonly ImageData[], signal: AbortSignal): Promise<Blob> => {
  // Loaded only when it is needed, because few people need it.
  const { applyPalette, GIFEncoder, quantize } = await import('gifenc')
  const frames = []
  for (const [i, image] of images.entries()) {
    // Between two pictures the page is shown, and can be used.
    await new Promise((resolve) => setTimeout(resolve))
    signal.throwIfAborted()
    const { data, width, height } = enlarged(image, scaleFor(images))
    const palette = quantize(data, 256)
    const delay = i === 0 || i === images.length - 1 ? LONG : SHORT
    frames.push({ index: applyPalette(data, palette), width, height, palette, delay })
  }
  const gif = GIFEncoder()
  for (const { index, width, height, palette, delay } of [...frames, ...frames.slice(1, -1).reverse()])
    gif.writeFrame(index, width, height, { palette, delay })
  gif.finish()
  return new Blob([gif.bytes()], { type: 'image/gif' })
}
