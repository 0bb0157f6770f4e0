/** What to paint: words with suggestions, or one of the model's classes. */
import { type Manifest, takesGuidance } from '@onestroke/core/pipeline'
import { conditionerOf, takesPrompts } from '@onestroke/core/text'
import type { Signal } from '@preact/signals'
import { useId } from 'preact/hooks'
import { guidanceFor, guidanceRange } from './ask.js'
import { Button, Choice, SeedField, Slider } from './controls.js'
import { drawSeed, guidance, prompt, seed, style, without } from './state.js'

type Vocabulary = Manifest['vocabulary']
type TextVocabulary = Extract<Vocabulary, { kind: 'text' }>
type ClassVocabulary = Extract<Vocabulary, { kind: 'class' }>

/** Captions, where any are short enough to be shown; else words. */
const ideasOf = ({ examples = [], words }: TextVocabulary): readonly string[] =>
  examples.length > 0 ? examples : words

/** Endings of what has been typed so far, from the model's own captions and words. */
const suggestions = (typed: string, vocabulary: TextVocabulary, most = 8): string[] => {
  const start = typed.trimStart().toLowerCase()
  const { examples = [], words, styles = [] } = vocabulary
  if (start === '') return ideasOf(vocabulary).slice(0, most)
  const whole = examples.filter((example) => example.toLowerCase().startsWith(start))
  const parts = start.split(/\s+/)
  const last = parts.pop()!
  const before = parts.length > 0 ? `${parts.join(' ')} ` : ''
  const ends = last === '' ? [] : words.filter((word) => word.startsWith(last) && !styles.includes(word))
  const all = new Set([...whole, ...ends.map((word) => before + word)])
  all.delete(start)
  return [...all].slice(0, most)
}

/** What of a prompt the model cannot make use of. A word that is still being typed is not judged. */
const notesOn = (typed: string, vocabulary: TextVocabulary): string[] => {
  const last = /[\p{L}\p{N}]+$/u.exec(typed)?.[0].toLowerCase()
  const begun = last !== undefined && vocabulary.words.some((word) => word.startsWith(last))
  const settled = begun ? typed.slice(0, typed.length - last.length) : typed
  return conditionerOf(vocabulary)
    .warnings([settled])
    .map((note) => `${note.charAt(0).toUpperCase()}${note.slice(1)}.`)
}

/** A caption at random, another one than there is. */
const drawPrompt = (vocabulary: TextVocabulary, now: string): string => {
  const others = ideasOf(vocabulary).filter((text) => text !== now)
  return others[Math.floor(Math.random() * others.length)] ?? now
}

interface PromptProps<V = Vocabulary> {
  label: string
  value: Signal<string>
  vocabulary: V
  placeholder?: string
  hint?: string
}

export const PromptField = ({ vocabulary, ...props }: PromptProps) => {
  switch (vocabulary.kind) {
    case 'none':
      return <p class="hint">This model was trained without words: the seed alone decides.</p>
    case 'class':
      return <ClassField vocabulary={vocabulary} {...props} />
    case 'text':
      return <TextField vocabulary={vocabulary} {...props} />
    default:
      return vocabulary satisfies never
  }
}

const ClassField = ({ label, value, vocabulary, placeholder, hint }: PromptProps<ClassVocabulary>) => {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={vocabulary.classes.includes(value.value) ? value.value : ''}
        onChange={({ currentTarget }) => {
          value.value = currentTarget.value
        }}
      >
        <option value="">{placeholder ?? 'any'}</option>
        {vocabulary.classes.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      {hint && <small class="hint">{hint}</small>}
    </div>
  )
}

const TextField = ({ label, value, vocabulary, placeholder, hint }: PromptProps<TextVocabulary>) => {
  const id = useId()
  const list = suggestions(value.value, vocabulary)
  // If nothing completes the typed text, suggests something else.
  const chips = list.length > 0 ? list : suggestions('', vocabulary).filter((text) => text !== value.value)
  const notes = notesOn(value.value, vocabulary)
  return (
    <div class="field prompt">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="text"
        list={`${id}-list`}
        maxLength={200}
        autocomplete="off"
        spellcheck={false}
        placeholder={placeholder ?? 'anything'}
        value={value.value}
        onInput={({ currentTarget }) => {
          value.value = currentTarget.value
        }}
      />
      <datalist id={`${id}-list`}>
        {list.map((text) => (
          <option key={text} value={text} />
        ))}
      </datalist>
      {hint && <small class="hint">{hint}</small>}
      {notes.map((note) => (
        <p key={note} class="hint" role="status">
          {note}
        </p>
      ))}
      <div class="chips">
        {chips.slice(0, 5).map((text) => (
          <Button
            key={text}
            onClick={() => {
              value.value = text
            }}
          >
            {text}
          </Button>
        ))}
        <Button
          onClick={() => {
            value.value = drawPrompt(vocabulary, value.value)
          }}
        >
          <span aria-hidden="true">⚄</span> Surprise me
        </Button>
      </div>
    </div>
  )
}

/** The styles that the pictures came in, where there are several. */
const StyleChoice = ({ vocabulary }: { vocabulary: Vocabulary }) => {
  const { styles } = conditionerOf(vocabulary)
  if (styles.length === 0) return null
  return (
    <Choice
      label="Style"
      value={style}
      options={[['', 'any'], ...styles.map((name) => [name, name] as const)]}
    />
  )
}

/** What acts in every view, and is the same there: prompt, style, seed, guidance and negative prompt. */
export const Subject = ({ manifest }: { manifest: Manifest }) => (
  <>
    <PromptField label="Prompt" value={prompt} vocabulary={manifest.vocabulary} />
    <StyleChoice vocabulary={manifest.vocabulary} />
    <SeedField label="Seed" value={seed} draw={drawSeed} />
    <Guidance manifest={manifest} />
  </>
)

const Guidance = ({ manifest }: { manifest: Manifest }) => {
  const { vocabulary } = manifest
  if (!takesPrompts(vocabulary)) return null
  if (!takesGuidance(manifest))
    return (
      <p class="hint">
        This model takes no guidance scale and no negative prompt: its guidance was fixed when it was
        distilled. <code>distill --guidance-scale 1-6</code> makes one that takes both.
      </p>
    )
  const [least, most] = guidanceRange(manifest)
  const scale = guidanceFor(manifest)
  return (
    <>
      <Slider
        label="Guidance"
        value={guidance}
        min={least}
        max={most}
        step={0.1}
        show={() => (scale === 1 ? 'none' : scale.toFixed(1))}
        hint={scale === 1 ? 'A negative prompt acts when there is guidance.' : undefined}
      />
      {scale !== 1 && (
        <PromptField
          label="Negative prompt"
          value={without}
          vocabulary={vocabulary}
          placeholder="nothing"
          hint="What guidance leads away from."
        />
      )}
    </>
  )
}
