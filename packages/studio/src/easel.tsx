/** The canvas that is drawn on: by mouse, finger, pen or keyboard, and pictures can be dropped on it. */
import { useEffect, useRef } from 'preact/hooks'
import { clear, newSurface, type Point, SIDE, stroke, type Undo } from './brush.js'

interface EaselProps {
  /** The picture below. */
  picture: CanvasRenderingContext2D
  /** What lies over it, half transparent; then it is what is drawn on. */
  mask: CanvasRenderingContext2D | undefined
  undo: Undo
  brush: { colour: string; size: number }
  label: string
  /** Whether the keyboard begins here. */
  first: boolean
  onChange: () => void
  onDrop: (file: File) => void
  /** Goes up when something else has changed the surfaces. */
  version: number
}

/** How far an arrow key moves the brush. */
const MOVE = SIDE / 32
const MASK_COLOUR = '#7c3aed'

export const Easel = ({
  picture,
  mask,
  undo,
  brush,
  label,
  first,
  onChange,
  onDrop,
  version,
}: EaselProps) => {
  const canvas = useRef<HTMLCanvasElement>(null)
  const last = useRef<Point | undefined>(undefined)
  const cursor = useRef<Point>({ x: SIDE / 2, y: SIDE / 2 })
  const focused = useRef(false)
  /** Whether the keyboard is drawing a line, which is undone as one. */
  const line = useRef(false)
  const surface = mask ?? picture

  const show = () => {
    const context = canvas.current!.getContext('2d')!
    context.clearRect(0, 0, SIDE, SIDE)
    context.drawImage(picture.canvas, 0, 0)
    if (mask) {
      context.globalAlpha = 0.55
      context.drawImage(tinted(mask), 0, 0)
      context.globalAlpha = 1
    }
    if (!focused.current) return
    // Where the keyboard's brush is.
    for (const [width, colour] of [
      [4, '#ffffff'],
      [2, '#000000'],
    ] as const) {
      context.lineWidth = width
      context.strokeStyle = colour
      context.beginPath()
      context.arc(cursor.current.x, cursor.current.y, brush.size / 2 + 2, 0, 2 * Math.PI)
      context.stroke()
    }
  }
  useEffect(show, [version, mask, brush.size])
  useEffect(() => {
    if (first) canvas.current!.focus()
  }, [])

  const pointOf = ({ offsetX, offsetY }: { offsetX: number; offsetY: number }): Point => {
    const { clientWidth, clientHeight } = canvas.current!
    return { x: (offsetX * SIDE) / clientWidth, y: (offsetY * SIDE) / clientHeight }
  }
  /** All points that came with one event; what they make is shown once. */
  const draw = (points: readonly Point[]) => {
    for (const to of points) {
      stroke(surface, last.current ?? to, to, brush)
      last.current = to
    }
    show()
    onChange()
  }
  const keys: Record<string, Point> = {
    ArrowLeft: { x: -MOVE, y: 0 },
    ArrowRight: { x: MOVE, y: 0 },
    ArrowUp: { x: 0, y: -MOVE },
    ArrowDown: { x: 0, y: MOVE },
  }
  const inside = (value: number) => Math.min(SIDE, Math.max(0, value))
  return (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: what the keys do here is its own
    <canvas
      ref={canvas}
      class="easel"
      width={SIDE}
      height={SIDE}
      tabIndex={0}
      role="application"
      aria-label={`${label}. Arrow keys move the brush, space draws, shift with the arrows draws a line.`}
      onPointerDown={(event) => {
        // A second finger, or the palm, does not draw.
        if (event.button !== 0 || !event.isPrimary) return
        canvas.current!.setPointerCapture(event.pointerId)
        undo.keep(surface)
        last.current = undefined
        draw([pointOf(event)])
      }}
      onPointerMove={(event) => {
        if (last.current && event.isPrimary && event.buttons & 1) draw(coalesced(event).map(pointOf))
      }}
      onPointerUp={(event) => {
        if (event.isPrimary) last.current = undefined
      }}
      onPointerCancel={(event) => {
        if (event.isPrimary) last.current = undefined
      }}
      onFocus={() => {
        focused.current = canvas.current!.matches(':focus-visible')
        show()
      }}
      onBlur={() => {
        focused.current = line.current = false
        show()
      }}
      onKeyDown={(event) => {
        const by = keys[event.key]
        if (!by && event.key !== ' ') return
        event.preventDefault()
        focused.current = true
        const from = cursor.current
        if (by) cursor.current = { x: inside(from.x + by.x), y: inside(from.y + by.y) }
        if (event.key === ' ' || event.shiftKey) {
          if (!event.repeat && !(by && line.current)) undo.keep(surface)
          line.current = event.shiftKey && by !== undefined
          last.current = from
          draw([cursor.current])
          last.current = undefined
        } else show()
      }}
      onKeyUp={({ key }) => {
        if (key === 'Shift') line.current = false
      }}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault()
        const file = event.dataTransfer?.files[0]
        if (file) onDrop(file)
      }}
    />
  )
}

/** A mask in a colour that shows on any picture. */
const tinted = (mask: CanvasRenderingContext2D): HTMLCanvasElement => {
  clear(tint, MASK_COLOUR)
  tint.globalCompositeOperation = 'destination-in'
  tint.drawImage(mask.canvas, 0, 0)
  tint.globalCompositeOperation = 'source-over'
  return tint.canvas
}
const tint = newSurface()

/** Points between two frames, where the browser tells them; they lie in the page, not in the canvas. */
const coalesced = (event: PointerEvent): { offsetX: number; offsetY: number }[] => {
  const all = event.getCoalescedEvents?.() ?? []
  if (all.length < 2) return [event]
  return all.map(({ clientX, clientY }) => ({
    offsetX: event.offsetX + clientX - event.clientX,
    offsetY: event.offsetY + clientY - event.clientY,
  }))
}
