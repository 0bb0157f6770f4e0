/** The drawing, its history and its tools. They stay when the view changes, and the drawing also when the page is loaded again. */
import { pixelsOf, square } from '@onestroke/core/picture'
import { DEFAULT_STRENGTH } from '@onestroke/core/pipeline'
import { computed, effect, signal } from '@preact/signals'
import { fromBase64, rgbFromBase64, rgbToBase64, toBase64 } from './base64.js'
import { blank, type Drawing, isBlank } from './brush.js'

export type Mode = 'image-to-image' | 'inpaint'
export const mode = signal<Mode>('image-to-image')
export const tool = signal<'brush' | 'eraser' | 'fill'>('brush')
export const maskTool = signal<'brush' | 'eraser'>('brush')
export const colour = signal('#e03131')
/** The brush's diameter, in percent of the picture's longer side. */
export const size = signal(9)
/** How much of the drawing is painted anew, in [0, 1]. */
export const strength = signal<number>(DEFAULT_STRENGTH)

interface History {
  /** What can be undone, the latest last. */
  readonly past: readonly Drawing[]
  readonly now: Drawing
  /** What can be redone, the next first. */
  readonly future: readonly Drawing[]
}

/** Changes that can be undone. */
const MOST = 50
/** Until a model's size is known: white paper is the same in any. */
const ANY_SIZE = square(32)

const history = signal<History>({ past: [], now: blank(ANY_SIZE), future: [] })

export const drawing = computed(() => history.value.now)
export const canUndo = computed(() => history.value.past.length > 0)
export const canRedo = computed(() => history.value.future.length > 0)

/** Another drawing takes the place of this one, which can be undone. */
export const change = (next: Drawing): void => {
  const { past, now } = history.value
  history.value = { past: [...past, now].slice(-MOST), now: next, future: [] }
}

/** Extends the latest change, so that both are undone as one. */
export const amend = (next: Drawing): void => {
  history.value = { ...history.value, now: next }
}

export const undo = (): void => {
  const { past, now, future } = history.value
  const before = past.at(-1)
  if (before) history.value = { past: past.slice(0, -1), now: before, future: [now, ...future] }
}

export const redo = (): void => {
  const { past, now, future } = history.value
  const [after, ...later] = future
  if (after) history.value = { past: [...past, now], now: after, future: later }
}

/** White paper without a mask. What was there can be brought back by `undo`. */
export const newDrawing = (): void => change(blank(drawing.value))

const KEY = 'drawing'

interface Kept {
  readonly mode: Mode
  readonly strength: number
  readonly height: number
  readonly width: number
  /** RGB in base64. */
  readonly picture: string
  /** A byte for each pixel, in base64. */
  readonly mask: string
}

/**
 * Takes up the drawing that was kept, and keeps it from now on: one drawing, no history. A tab has its own, and a new tab begins with the one
 * that was drawn last in any.
 */
export const keepDrawing = (): void => {
  takeUp()
  let timer: ReturnType<typeof setTimeout> | undefined
  const write = () => {
    if (timer === undefined) return
    clearTimeout(timer)
    timer = undefined
    keep()
  }
  let isFirst = true
  effect(() => {
    void [drawing.value, mode.value, strength.value]
    // Does not write what was just read, because another tab may have changed it since.
    if (isFirst) isFirst = false
    else {
      clearTimeout(timer)
      timer = setTimeout(write, 250)
    }
  })
  addEventListener('pagehide', write)
}

const storages = (): Storage[] => [sessionStorage, localStorage]

const keep = () => {
  const { height, width, pixels, mask } = drawing.value
  const kept: Kept = {
    mode: mode.value,
    strength: strength.value,
    height,
    width,
    picture: rgbToBase64(pixels),
    mask: toBase64(mask),
  }
  // Browsers that keep nothing for a page throw where it asks, and others where there is no room.
  try {
    for (const storage of storages()) storage.setItem(KEY, isBlank(drawing.value) ? '' : JSON.stringify(kept))
  } catch {}
}

const takeUp = () => {
  try {
    const text = storages()
      .map((storage) => storage.getItem(KEY))
      .find((found) => found !== null)
    if (!text) return
    const kept = JSON.parse(text) as Kept
    const { height, width } = kept
    const count = pixelsOf({ height, width })
    const pixels = rgbFromBase64(kept.picture, count)
    const mask = fromBase64(kept.mask)
    if (!pixels || mask.length !== count) return
    history.value = { past: [], now: { height, width, pixels, mask }, future: [] }
    mode.value = kept.mode === 'inpaint' ? 'inpaint' : 'image-to-image'
    if (kept.strength >= 0 && kept.strength <= 1) strength.value = kept.strength
  } catch {
    // It was written by another version, or there is nothing to read from.
  }
}
