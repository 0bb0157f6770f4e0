/** The models that this studio offers, each loaded when it is first needed. */
import { load, type WebModel } from '@onestroke/core/web'
import { signal } from '@preact/signals'
import { device } from './state.js'

export interface Entry {
  readonly name: string
  readonly path: string
  readonly kind: 'teacher' | 'student'
  readonly teacher?: string
}

/** What is there; undefined until it is known. */
export const offer = signal<{ models: readonly Entry[]; runs: boolean } | undefined>(undefined)
/** How far a model has been loaded, in [0, 1], by name; absent when it is there, or was not asked for. */
export const loading = signal<Readonly<Record<string, number>>>({})
/** What went wrong, in words for people. */
export const trouble = signal<string | undefined>(undefined)

const models = new Map<string, Promise<WebModel>>()

/** Reads what there is. */
export const readOffer = async (): Promise<void> => {
  try {
    lackOf()
    const response = await fetch('models.json')
    if (!response.ok) throw new Error(`models.json: ${response.status} ${response.statusText}`)
    offer.value = await response.json()
  } catch (error) {
    trouble.value = `The studio cannot start: ${(error as Error).message}`
  }
}

/** @throws Error that names what this browser lacks. */
const lackOf = (): void => {
  const lacks = [
    typeof WebAssembly === 'undefined' && 'WebAssembly',
    typeof Worker === 'undefined' && 'workers',
    typeof crypto?.subtle === 'undefined' && 'a secure address (https, or localhost)',
  ].filter(Boolean)
  if (lacks.length > 0) throw new Error(`this browser lacks ${lacks.join(' and ')}`)
}

/** A model by name: the same one each time. @throws Error if there is none, or it does not load. */
export const openModel = (name: string): Promise<WebModel> => {
  const known = models.get(name)
  if (known) return known
  const entry = offer.value?.models.find((one) => one.name === name)
  if (!entry) return Promise.reject(new Error(`there is no model ${name} here`))
  const progress = (share: number | undefined) => {
    const { [name]: _, ...others } = loading.value
    loading.value = share === undefined ? others : { ...others, [name]: share }
  }
  progress(0)
  const model = underControl()
    .then(() =>
      load(entry.path, {
        onProgress: (done, total) => progress(done / total),
        ...(device.value && { device: device.value }),
      }),
    )
    .then(async (loaded) => {
      // The first picture is slower than all others: nobody should wait for it, or take its time for the model's.
      await loaded.generate({ steps: 1 })
      return loaded
    })
    .finally(() => progress(undefined))
  models.set(name, model)
  // What failed may work later.
  model.catch(() => models.delete(name))
  return model
}

/**
 * The service worker keeps for offline use what goes through it: the first model waits for it, at a first visit, but
 * not for long.
 */
const underControl = (): Promise<unknown> => {
  const { serviceWorker } = navigator
  if (!serviceWorker || serviceWorker.controller || !import.meta.env.PROD) return Promise.resolve()
  return Promise.race([
    new Promise((resolve) => serviceWorker.addEventListener('controllerchange', resolve, { once: true })),
    new Promise((resolve) => setTimeout(resolve, 3000)),
  ])
}
