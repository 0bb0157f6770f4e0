/** What one draws and masks with. */
import { useEffect } from 'preact/hooks'
import { maskCleared, maskInverted } from './brush.js'
import { Button, Choice, Slider } from './controls.js'
import {
  canRedo,
  canUndo,
  change,
  colour,
  drawing,
  maskTool,
  mode,
  redo,
  size,
  tool,
  undo,
} from './drawing.js'

const COLOURS = [
  ['#111111', 'black'],
  ['#ffffff', 'white'],
  ['#e03131', 'red'],
  ['#f08c00', 'orange'],
  ['#ffd43b', 'yellow'],
  ['#2f9e44', 'green'],
  ['#1c7ed6', 'blue'],
  ['#9c36b5', 'violet'],
  ['#8d5524', 'brown'],
] as const

/** Percent of the picture's side. */
const LEAST_SIZE = 1
const MOST_SIZE = 40

const TOOLS = [
  ['brush', 'Brush', 'Draws in the colour (B)'],
  ['eraser', 'Eraser', 'Draws in white (E)'],
  ['fill', 'Fill', 'Fills an area of about one colour (F)'],
] as const
const MASK_TOOLS = [
  ['brush', 'Brush', 'Adds to the mask (B)'],
  ['eraser', 'Eraser', 'Takes away from the mask (E)'],
] as const

export const Tools = () => {
  useShortcuts()
  const isMask = mode.value === 'inpaint'
  const isFill = !isMask && tool.value === 'fill'
  const isEraser = !isMask && tool.value === 'eraser'
  return (
    <>
      {isMask ? (
        <Choice label="Mask" value={maskTool} options={MASK_TOOLS} />
      ) : (
        <Choice label="Tool" value={tool} options={TOOLS} />
      )}
      {isMask && (
        <div class="row">
          <Button
            onClick={() => change(maskInverted(drawing.value))}
            title="Masks what is not masked, and the other way round (I)"
          >
            Invert mask
          </Button>
          <Button
            disabled={drawing.value.mask.every((value) => value === 0)}
            onClick={() => change(maskCleared(drawing.value))}
            title="Masks nothing"
          >
            Clear mask
          </Button>
        </div>
      )}
      {!isMask && !isEraser && <Palette />}
      {!isFill && (
        <Slider
          label="Brush size"
          value={size}
          min={LEAST_SIZE}
          max={MOST_SIZE}
          step={1}
          show={(value) => `${value} %`}
        />
      )}
      <p class="hint keys">
        Keys: <kbd>B</kbd> brush, <kbd>E</kbd> eraser, {isMask ? <kbd>I</kbd> : <kbd>F</kbd>}{' '}
        {isMask ? 'invert' : 'fill'}, <kbd>[</kbd> <kbd>]</kbd> brush size, <kbd>Ctrl+Z</kbd> undo,{' '}
        <kbd>Ctrl+Y</kbd> redo
      </p>
    </>
  )
}

/** Undo and redo of drawing and mask. */
export const UndoRedo = () => (
  <>
    <Button disabled={!canUndo.value} onClick={undo} title="Undo (Ctrl+Z)">
      Undo
    </Button>
    <Button disabled={!canRedo.value} onClick={redo} title="Redo (Ctrl+Y or Ctrl+Shift+Z)">
      Redo
    </Button>
  </>
)

const Palette = () => (
  <fieldset class="palette">
    <legend>Colour</legend>
    {COLOURS.map(([one, name]) => (
      <label key={one} title={name}>
        <input
          type="radio"
          name="colour"
          checked={colour.value === one}
          aria-label={name}
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
      title="Another colour"
      value={colour.value}
      onInput={({ currentTarget }) => {
        colour.value = currentTarget.value
      }}
    />
  </fieldset>
)

const TEXT_FIELDS =
  'textarea, select, [contenteditable], input:not([type=range], [type=radio], [type=checkbox], [type=color], [type=file])'

/** Undo and redo anywhere on the page but in fields of text, which have their own; single letters while Draw has the focus. */
const useShortcuts = () =>
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const target = event.target instanceof Element ? event.target : undefined
      if (event.altKey || target?.matches(TEXT_FIELDS)) return
      const key = event.key.toLowerCase()
      const isCommand = event.ctrlKey || event.metaKey
      if (!isCommand && !target?.closest('.draw')) return
      const act = isCommand ? commandOf(key, event.shiftKey) : LETTERS[key]
      if (!act) return
      event.preventDefault()
      act()
    }
    addEventListener('keydown', onKeyDown)
    return () => removeEventListener('keydown', onKeyDown)
  }, [])

const commandOf = (key: string, shift: boolean): (() => void) | undefined => {
  if (key === 'z') return shift ? redo : undo
  return key === 'y' && !shift ? redo : undefined
}

const LETTERS: Readonly<Record<string, () => void>> = {
  b: () => choose('brush'),
  e: () => choose('eraser'),
  f: () => choose('fill'),
  i: () => {
    if (mode.value === 'inpaint') change(maskInverted(drawing.value))
  },
  '[': () => resize(-1),
  ']': () => resize(1),
}

const choose = (wanted: typeof tool.value) => {
  if (mode.value === 'image-to-image') tool.value = wanted
  else if (wanted !== 'fill') maskTool.value = wanted
}

const resize = (by: number) => {
  size.value = Math.min(MOST_SIZE, Math.max(LEAST_SIZE, size.value + by))
}
