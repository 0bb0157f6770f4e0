/** The canvas that is drawn on: by mouse, finger, pen or keyboard, and pictures can be dropped on it. */
import { type PictureSize, pixelsOf } from '@onestroke/core/picture'
import { effect, type ReadonlySignal, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import {
  brushPixels,
  type Colour,
  type Covered,
  colourOf,
  cover,
  type Drawing,
  filled,
  masked,
  type Point,
  painted,
  WHITE,
} from './brush.js'
import { amend, size as brush, change, colour, maskTool, mode, drawing as now, tool } from './drawing.js'
import { pixels } from './state.js'

interface EaselProps {
  /** What is shown and drawn on. */
  drawing: ReadonlySignal<Drawing>
  /** Its sides in pixels. */
  size: PictureSize
  /** Whether the keyboard begins here. */
  first: boolean
  onDrop: (file: File) => void
}

/** A line while it is drawn: its tool, the drawing before it, and what it covers. */
interface Stroke extends Mark {
  readonly before: Drawing
  readonly covered: Covered
  last: Point
  /** The drawing with the line as far as it has come. */
  latest?: Drawing
}

/** The tool of a line, which stays the same to its end whatever is chosen meanwhile. */
interface Mark {
  readonly on: typeof mode.value
  readonly tool: 'brush' | 'eraser'
  readonly colour: Colour
}

/** What is chosen now; a fill draws no line. */
const chosen = (): Mark => ({
  on: mode.value,
  tool: mode.value === 'inpaint' ? maskTool.value : tool.value === 'eraser' ? 'eraser' : 'brush',
  colour: colourOf(colour.value),
})

/** Whether a press fills, and begins no line. */
const isFill = (): boolean => mode.value === 'image-to-image' && tool.value === 'fill'

/** How far an arrow key moves the brush. */
const MOVE = 1 / 32
const MASK_COLOUR = [124, 58, 237, 140] as const
const KEYS: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: -MOVE, y: 0 },
  ArrowRight: { x: MOVE, y: 0 },
  ArrowUp: { x: 0, y: -MOVE },
  ArrowDown: { x: 0, y: MOVE },
}

export const Easel = ({ drawing, size, first, onDrop }: EaselProps) => {
  const canvas = useRef<HTMLCanvasElement>(null)
  const over = useRef<HTMLCanvasElement>(null)
  const stroke = useRef<Stroke | undefined>(undefined)
  const cursor = useRef<Point>({ x: 0.5, y: 0.5 })
  /** Where the brush is shown. */
  const shownAt = useSignal<Point | undefined>(undefined)
  const isMask = mode.value === 'inpaint'

  useEffect(
    () =>
      effect(() => {
        const { pixels, mask } = drawing.value
        show(canvas.current!, pixels)
        show(over.current!, mode.value === 'inpaint' ? tinted(mask) : new Uint8ClampedArray(pixels.length))
      }),
    [drawing],
  )
  useEffect(() => {
    if (first) canvas.current!.focus()
  }, [])

  const begin = (at: Point) => {
    const before = drawing.value
    if (isFill()) return change(filled(before, at, colourOf(colour.value)))
    stroke.current = { ...chosen(), before, covered: new Float32Array(pixelsOf(size)), last: at }
    change(before)
    goOn([at])
  }
  /** All points that came with one event; what they make is shown once. */
  const goOn = (points: readonly Point[]) => {
    const line = stroke.current!
    // Undo, a new drawing or another picture has taken its place.
    if (line.latest && now.value !== line.latest) return end()
    for (const to of points) {
      cover(line.covered, size, line.last, to, brush.value / 100)
      line.last = to
    }
    line.latest = drawn(line)
    amend(line.latest)
  }
  const end = () => {
    stroke.current = undefined
  }
  const pointOf = ({ offsetX, offsetY }: { offsetX: number; offsetY: number }): Point => ({
    x: offsetX / canvas.current!.clientWidth,
    y: offsetY / canvas.current!.clientHeight,
  })
  const inside = (value: number) => Math.min(1, Math.max(0, value))
  return (
    <div class={`board ${pixels.value ? 'squares' : ''}`}>
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: what the keys do here is its own */}
      <canvas
        ref={canvas}
        class="easel"
        width={size.width}
        height={size.height}
        tabIndex={0}
        role="application"
        aria-label={`${isMask ? 'Mask over your drawing: what is painted anew' : 'Your drawing'}. Arrow keys move the brush, space draws, shift with the arrows draws a line.`}
        onPointerDown={(event) => {
          // A second finger, or the palm, does not draw.
          if (event.button !== 0 || !event.isPrimary) return
          canvas.current!.setPointerCapture(event.pointerId)
          begin(pointOf(event))
        }}
        onPointerMove={(event) => {
          if (event.pointerType !== 'touch') shownAt.value = pointOf(event)
          if (stroke.current && event.isPrimary && event.buttons & 1) goOn(coalesced(event).map(pointOf))
        }}
        onPointerUp={(event) => {
          if (event.isPrimary) end()
        }}
        onPointerCancel={(event) => {
          if (event.isPrimary) end()
        }}
        onPointerLeave={() => {
          shownAt.value = undefined
        }}
        onFocus={() => {
          if (canvas.current!.matches(':focus-visible')) shownAt.value = cursor.current
        }}
        onBlur={() => {
          shownAt.value = undefined
          end()
        }}
        onKeyDown={(event) => {
          const by = KEYS[event.key]
          if ((!by && event.key !== ' ') || event.ctrlKey || event.metaKey || event.altKey) return
          event.preventDefault()
          const from = cursor.current
          if (by) cursor.current = { x: inside(from.x + by.x), y: inside(from.y + by.y) }
          shownAt.value = cursor.current
          if (!by) {
            if (event.repeat) return
            begin(cursor.current)
            end()
          } else if (event.shiftKey) {
            // Another tool ends the line, and a fill draws none.
            if (stroke.current && stroke.current.tool !== chosen().tool) end()
            if (isFill()) return end()
            // Until shift is let go it is one line, which is undone as one.
            if (!stroke.current) begin(from)
            goOn([cursor.current])
          }
        }}
        onKeyUp={({ key }) => {
          if (key === 'Shift') end()
        }}
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault()
          const file = event.dataTransfer?.files[0]
          if (file) onDrop(file)
        }}
      />
      <canvas ref={over} class="over" width={size.width} height={size.height} />
      <Ring at={shownAt} size={size} />
    </div>
  )
}

/** The drawing with the line as it is so far. */
const drawn = ({ before, covered, on, tool, colour }: Stroke): Drawing => {
  if (on === 'inpaint') return masked(before, covered, tool === 'brush' ? 1 : 0)
  return painted(before, covered, tool === 'eraser' ? WHITE : colour)
}

/** Where the brush is, and how large. */
const Ring = ({ at, size }: { at: ReadonlySignal<Point | undefined>; size: PictureSize }) => {
  if (!at.value) return null
  const { x, y } = at.value
  const width = (isFill() ? 1 : brushPixels(size, brush.value / 100)) / size.width
  const percent = (share: number) => `${100 * share}%`
  return (
    <span
      class="ring"
      aria-hidden="true"
      style={{ left: percent(x), top: percent(y), width: percent(width) }}
    />
  )
}

const show = (canvas: HTMLCanvasElement, rgba: Uint8ClampedArray<ArrayBuffer>) => {
  const { width, height } = canvas
  if (rgba.length === 4 * width * height)
    canvas.getContext('2d')!.putImageData(new ImageData(rgba, width, height), 0, 0)
}

/** A mask in a colour that shows on any picture. */
const tinted = (mask: Uint8Array): Uint8ClampedArray<ArrayBuffer> => {
  const rgba = new Uint8ClampedArray(4 * mask.length)
  for (const [i, value] of mask.entries()) if (value === 1) rgba.set(MASK_COLOUR, 4 * i)
  return rgba
}

/** Points between two frames, where the browser tells them; they lie in the page, not in the canvas. */
const coalesced = (event: PointerEvent): { offsetX: number; offsetY: number }[] => {
  const all = event.getCoalescedEvents?.() ?? []
  if (all.length < 2) return [event]
  return all.map(({ clientX, clientY }) => ({
    offsetX: event.offsetX + clientX - event.clientX,
    offsetY: event.offsetY + clientY - event.clientY,
  }))
}
