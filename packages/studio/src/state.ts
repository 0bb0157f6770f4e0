/** What is painted: kept in the page's address, so that a link is the picture. */
import { computed, effect, signal } from '@preact/signals'

export const VIEWS = ['paint', 'compare', 'draw', 'train'] as const
export type View = (typeof VIEWS)[number]

const hash = new URLSearchParams(location.hash.slice(1))
const text = (key: string, otherwise = '') => hash.get(key) ?? otherwise
const number = (key: string, otherwise: number, min: number, max: number) => {
  const value = Number(hash.get(key) ?? Number.NaN)
  return Number.isFinite(value) ? Math.min(max, Math.max(min, value)) : otherwise
}

/** Seeds that are easy to read out. */
export const SEEDS = 1_000_000
export const drawSeed = (): number => Math.floor(Math.random() * SEEDS)

const asked = text('view') as View
export const view = signal<View>(VIEWS.includes(asked) ? asked : 'paint')
/** '' until it is known what there is. */
export const modelName = signal(text('model'))
export const prompt = signal(text('prompt'))
export const style = signal(text('style'))
export const seed = signal(Math.round(number('seed', 7, 0, 2 ** 32 - 1)))
/** 0: what the model recommends. */
export const steps = signal(Math.round(number('steps', 0, 0, 32)))
export const guidance = signal(number('guidance', 1, 0, 100))
/** What guidance leads away from. */
export const without = signal(text('without'))
/** The other end of the way, and how far along it. */
export const toPrompt = signal(text('to-prompt'))
export const toSeed = signal(Math.round(number('to-seed', 8, 0, 2 ** 32 - 1)))
export const mix = signal(number('mix', 0, 0, 1))
/** Where to run, if not where the runtime thinks best. */
const devices = ['wasm', 'webgpu'] as const
export const device = signal<(typeof devices)[number] | ''>(
  devices.find((one) => one === text('device')) ?? '',
)
/** Whether pixels are shown as squares. */
export const pixels = signal(text('pixels') === '1')
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

/** The prompt at the other end of the way: the same, unless there is one. */
export const otherPrompt = (): string => (toPrompt.value.trim() === '' ? prompt.value : toPrompt.value)

/** The words that the model reads: with the style, if it knows it. */
export const words = (text: string, { styles }: { readonly styles?: readonly string[] }): string =>
  [text.trim(), styles?.includes(style.value) ? style.value : ''].filter(Boolean).join(' ')

/** A link's parts; what is as usual is left out. */
const address = computed(() => {
  const parts = new URLSearchParams()
  const add = (key: string, value: string | number, usual: string | number) => {
    if (value !== usual) parts.set(key, String(value))
  }
  add('view', view.value, 'paint')
  add('model', modelName.value, '')
  add('prompt', prompt.value, '')
  add('style', style.value, '')
  parts.set('seed', String(seed.value))
  add('steps', steps.value, 0)
  add('guidance', guidance.value, 1)
  add('without', without.value, '')
  if (mix.value > 0) {
    add('to-prompt', toPrompt.value, '')
    parts.set('to-seed', String(toSeed.value))
    parts.set('mix', String(mix.value))
  }
  add('device', device.value, '')
  add('pixels', pixels.value ? '1' : '', '')
  return parts.toString()
})

/** A link to the picture as it is. */
export const link = (): string => new URL(`#${address.value}`, location.href).href

/** Keeps the page's address up to date, but not with each move of a slider: browsers limit that. */
export const followState = (): void => {
  let timer: ReturnType<typeof setTimeout> | undefined
  effect(() => {
    const now = `#${address.value}`
    clearTimeout(timer)
    timer = setTimeout(() => history.replaceState(null, '', now), 250)
  })
  // Another link in the same tab: browsers load nothing for it.
  addEventListener('hashchange', () => location.reload())
  effect(() => {
    if (theme.value === '') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = theme.value
    try {
      localStorage.setItem('theme', theme.value)
    } catch {}
  })
}
