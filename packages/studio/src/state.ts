/** What is painted: kept in the page's address, so that a link is the picture, and Back and Forward move between views. */
import { type Example, MOST_SEED } from '@onestroke/core/pipeline'
import { batch, computed, effect, signal } from '@preact/signals'

export const VIEWS = ['paint', 'compare', 'draw', 'train'] as const
export type View = (typeof VIEWS)[number]

/** Seeds that are easy to read out. */
const SEEDS = 1_000_000
export const drawSeed = (): number => Math.floor(Math.random() * SEEDS)

export const view = signal<View>('paint')
/** '' until it is known what there is. */
export const modelName = signal('')
export const prompt = signal('')
export const style = signal('')
const FIRST_SEED = 7
export const FIRST_OTHER_SEED = 8
export const seed = signal(FIRST_SEED)
/** 0: what the model recommends. */
export const steps = signal(0)
export const guidance = signal(1)
/** What guidance leads away from. */
export const without = signal('')
/** The other end of the way, and how far along it. */
export const toPrompt = signal('')
export const toSeed = signal(FIRST_OTHER_SEED)
export const mix = signal(0)
/** Name of the training that is looked at; '' is the one that changed last. */
export const run = signal('')
/** The device to run on; '' leaves the choice to the runtime. */
const devices = ['wasm', 'webgpu'] as const
export const device = signal<(typeof devices)[number] | ''>('')
/** Whether pixels are shown as squares. */
export const pixels = signal(false)
const themes = ['light', 'dark'] as const
/** Browsers that keep nothing for a page throw where it asks. */
const remembered = (): string | null => {
  try {
    return localStorage.getItem('theme')
  } catch {
    return null
  }
}
const kept = remembered()
export const theme = signal<'light' | 'dark' | ''>(themes.find((one) => one === kept) ?? '')

/** What stands there before a model is. */
const BLANK: Example = { prompt: '', seed: FIRST_SEED }
/** The example that is painted while the address asks for no picture; undefined if it asks for one. */
const unasked = signal<Example | undefined>(undefined)
const isAsked = (): boolean => unasked.value?.prompt !== prompt.value || unasked.value.seed !== seed.value

/** Paints a model's example, unless the address asks for a picture. */
export const begin = (example: Example): void => {
  if (isAsked()) return
  batch(() => {
    unasked.value = example
    prompt.value = example.prompt
    seed.value = example.seed
  })
}

/** Paints a model's example in place of a prompt whose words it does not know. */
export const beginAnew = (example: Example): void =>
  batch(() => {
    for (const text of [style, without, toPrompt]) text.value = ''
    mix.value = 0
    prompt.value = example.prompt
    seed.value = example.seed
    unasked.value = example
  })

const numberIn = (parts: URLSearchParams, key: string, otherwise: number, min: number, max: number) => {
  const value = Number(parts.get(key) ?? Number.NaN)
  return Number.isFinite(value) ? Math.min(max, Math.max(min, value)) : otherwise
}

/** Asks for the picture of an address's parts. What they leave out is as usual; a model that they leave out stays. */
const readPicture = (parts: URLSearchParams): void => {
  modelName.value = parts.get('model') ?? modelName.value
  prompt.value = parts.get('prompt') ?? ''
  style.value = parts.get('style') ?? ''
  seed.value = Math.round(numberIn(parts, 'seed', FIRST_SEED, 0, MOST_SEED))
  steps.value = Math.round(numberIn(parts, 'steps', 0, 0, 32))
  guidance.value = numberIn(parts, 'guidance', 1, 0, 100)
  without.value = parts.get('without') ?? ''
  toPrompt.value = parts.get('to-prompt') ?? ''
  toSeed.value = Math.round(numberIn(parts, 'to-seed', FIRST_OTHER_SEED, 0, MOST_SEED))
  mix.value = numberIn(parts, 'mix', 0, 0, 1)
  unasked.value = parts.has('prompt') || parts.has('seed') ? undefined : BLANK
}

const partsOfAddress = (): URLSearchParams => new URLSearchParams(location.hash.slice(1))

const viewIn = (parts: URLSearchParams): View => VIEWS.find((one) => one === parts.get('view')) ?? 'paint'

/** Takes up everything that the page's address says. */
export const readAddress = (): void => {
  const parts = partsOfAddress()
  batch(() => {
    view.value = viewIn(parts)
    run.value = parts.get('run') ?? ''
    readPicture(parts)
    device.value = devices.find((one) => one === parts.get('device')) ?? ''
    pixels.value = parts.get('pixels') === '1'
  })
}
readAddress()

/** The prompt at the other end of the way: the same, unless there is one. */
export const otherPrompt = (): string => (toPrompt.value.trim() === '' ? prompt.value : toPrompt.value)

/** The words that the model reads: with the style, if it knows it. */
export const words = (text: string, { styles }: { readonly styles?: readonly string[] }): string =>
  [text.trim(), styles?.includes(style.value) ? style.value : ''].filter(Boolean).join(' ')

/** Adds to an address's parts; what is as usual is left out. */
const adding = (parts: URLSearchParams) => (key: string, value: string | number, usual: string | number) => {
  if (value !== usual) parts.set(key, String(value))
}

const pictureParts = computed(() => {
  const parts = new URLSearchParams()
  const add = adding(parts)
  add('model', modelName.value, '')
  add('prompt', prompt.value, '')
  add('style', style.value, '')
  // A link with a seed asks for a picture.
  if (isAsked() || unasked.value !== BLANK) parts.set('seed', String(seed.value))
  add('steps', steps.value, 0)
  add('guidance', guidance.value, 1)
  add('without', without.value, '')
  add('to-prompt', toPrompt.value, '')
  add('to-seed', toSeed.value, FIRST_OTHER_SEED)
  add('mix', mix.value, 0)
  return parts.toString()
})

/** The picture that is asked for, as text by which it can be asked for again. */
export const pictureNow = (): string => pictureParts.value
/** Asks again for a picture that `pictureNow` told. */
export const askAgain = (picture: string): void => batch(() => readPicture(new URLSearchParams(picture)))

const address = computed(() => {
  const parts = new URLSearchParams()
  const add = adding(parts)
  add('view', view.value, 'paint')
  if (view.value === 'train') add('run', run.value, '')
  for (const [key, value] of new URLSearchParams(pictureParts.value)) parts.set(key, value)
  add('device', device.value, '')
  add('pixels', pixels.value ? '1' : '', '')
  return parts.toString()
})

/** A link to the picture as it is. */
export const link = (): string => new URL(`#${address.value}`, location.href).href

/**
 * Keeps the page's address up to date, but not with each move of a slider: browsers limit that. Another view is another entry of
 * the browser's history.
 */
export const followState = (): void => {
  /** An address to be written, and the one that it takes the place of. */
  let late: { timer: ReturnType<typeof setTimeout>; address: string; before: string } | undefined
  const write = () => {
    // Back, Forward or a link may just have gone to another one.
    if (late?.before === location.hash) history.replaceState(null, '', late.address)
    late = undefined
  }
  effect(() => {
    const now = `#${address.value}`
    clearTimeout(late?.timer)
    if (view.value === viewIn(partsOfAddress()))
      late = { timer: setTimeout(write, 250), address: now, before: location.hash }
    else {
      write()
      history.pushState(null, '', now)
    }
  })
  effect(() => {
    if (theme.value === '') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = theme.value
    try {
      localStorage.setItem('theme', theme.value)
    } catch {}
  })
}
