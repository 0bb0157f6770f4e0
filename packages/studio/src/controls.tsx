/** The things that are moved. */
import { MOST_SEED, readSeed, SEED_RULE } from '@onestroke/core/pipeline'
import type { Signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useId, useState } from 'preact/hooks'
import { pixels } from './state.js'

interface SliderProps {
  label: string
  value: Signal<number>
  min: number
  max: number
  step: number
  /** What stands beside it instead of the number. */
  show?: (value: number) => string
  hint?: string | undefined
}

export const Slider = ({ label, value, min, max, step, show = String, hint }: SliderProps) => {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <output for={id}>{show(value.value)}</output>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={value.value}
        aria-valuetext={show(value.value)}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onInput={({ currentTarget }) => {
          value.value = currentTarget.valueAsNumber
        }}
      />
      {hint && (
        <small id={`${id}-hint`} class="hint">
          {hint}
        </small>
      )}
    </div>
  )
}

/** A slider of shares, which are shown in percent. */
export const ShareSlider = (props: Omit<SliderProps, 'step' | 'show'>) => (
  <Slider {...props} step={0.01} show={(share) => `${Math.round(100 * share)} %`} />
)

/** A row of choices, of which one holds. */
export const Choice = ({
  label,
  value,
  options,
}: {
  label: string
  value: Signal<string>
  options: readonly (readonly [value: string, label: string, title?: string])[]
}) => {
  const id = useId()
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      {options.map(([option, name, title]) => (
        <label key={option} title={title}>
          <input
            type="radio"
            name={id}
            checked={value.value === option}
            onChange={() => {
              value.value = option
            }}
          />
          <span>{name}</span>
        </label>
      ))}
    </fieldset>
  )
}

export const Button = ({
  onClick,
  children,
  disabled,
  title,
}: {
  onClick: () => unknown
  children: ComponentChildren
  disabled?: boolean | undefined
  title?: string
}) => (
  <button type="button" disabled={disabled} title={title} onClick={() => void onClick()}>
    {children}
  </button>
)

/** A seed and its dice. What is typed and is none stays until the field is left, with what a seed is; the one before holds. */
export const SeedField = ({
  label,
  value,
  draw,
}: {
  label: string
  value: Signal<number>
  draw: () => number
}) => {
  const id = useId()
  /** What was typed and is no seed. */
  const [refused, setRefused] = useState<string>()
  const take = (text: string) => {
    const seed = readSeed(text, draw)
    if (seed !== undefined) value.value = seed
    setRefused(seed === undefined ? text : undefined)
  }
  const isRefused = refused !== undefined
  return (
    <div class="field seed">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="text"
        autocomplete="off"
        spellcheck={false}
        value={refused ?? value.value}
        aria-invalid={isRefused}
        aria-describedby={isRefused ? `${id}-refused` : undefined}
        onInput={({ currentTarget }) => take(currentTarget.value)}
        onKeyDown={(event) => {
          const by = STEPS[event.key]
          if (by === undefined) return
          event.preventDefault()
          take(String(Math.min(MOST_SEED, Math.max(0, value.value + by))))
        }}
        onBlur={() => setRefused(undefined)}
      />
      <Button onClick={() => take('random')}>
        <span aria-hidden="true">⚄</span> New {label.toLowerCase()}
      </Button>
      {isRefused && (
        <small id={`${id}-refused`} class="refused" role="status">
          A seed is {SEED_RULE}.
        </small>
      )}
    </div>
  )
}

/** The arrow keys go to the seeds beside. */
const STEPS: Readonly<Record<string, number>> = { ArrowUp: 1, ArrowDown: -1 }

/** How pictures are enlarged, in every view. */
export const Squares = () => (
  <label class="check">
    <input
      type="checkbox"
      checked={pixels.value}
      onChange={({ currentTarget }) => {
        pixels.value = currentTarget.checked
      }}
    />
    Show pixels as squares
  </label>
)
