/** The models that this studio offers, each loaded when it is first needed. */
import { exampleOf, type Manifest, manifestOf } from '@onestroke/core/pipeline'
import { conditionerOf } from '@onestroke/core/text'
import { load, type WebModel } from '@onestroke/core/web'
import { batch, signal } from '@preact/signals'
import { keepLate, readyForOffline } from './offline.js'
import { beginAnew, device, modelName, prompt, steps, view } from './state.js'

export interface Entry {
  readonly name: string
  readonly path: string
  /** Hash of the model. It changes if the model is trained again. */
  readonly sha256: string
  readonly kind: 'teacher' | 'student'
  readonly teacher?: string
  /** The guidance that a student was distilled with, where that is known. */
  readonly guidance_scale?: number
}

/** What `models.json` says. */
export interface Offer {
  readonly models: readonly Entry[]
  readonly runs: boolean
  /** Where there is no model: in which folders they are found, and whether `onestroke demo` has what it needs. */
  readonly start?: { readonly places: readonly string[]; readonly demo: boolean }
}

/** Bytes of a model's graph; 0 of 0 while the studio prepares it. */
export interface Loaded {
  readonly done: number
  readonly total: number
}

/** The models that are there; undefined until they are known. */
export const offer = signal<Offer | undefined>(undefined)
/** How far a model has been loaded, by name; absent when it is there, or was not asked for. */
export const loading = signal<Readonly<Record<string, Loaded>>>({})
/** The last error, in words for people. */
export const trouble = signal<string | undefined>(undefined)
/** Why the list of models could not be read, in words for people. It is read again until it can be. */
export const cannotStart = signal<string | undefined>(undefined)

/** By name: those that were opened, each as its entry had it then. */
const models = new Map<string, { readonly sha256: string; readonly model: Promise<WebModel> }>()

/** Threads of WebAssembly: onnxruntime's own choice is half of the cores. */
export const THREADS = crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1

/** Milliseconds between two requests for the list of models. */
const EVERY = 3000
let nextLook: ReturnType<typeof setTimeout> | undefined

/** Reads what there is, and settles which model is meant. Looks again and again until there is a model. */
export const readOffer = async (): Promise<void> => {
  try {
    lackOf()
    await readyForOffline
    let found = await fetchOffer()
    const asked = modelName.value
    // A link to what a training made, which the studio has not been asked for since it was started.
    if (asked !== '' && found.runs && !has(found, asked))
      found = await offerRun(asked).then(fetchOffer, () => found)
    offer.value = found
    cannotStart.value = undefined
    settleModel(found)
    keepLate(['models.json', ...found.models.map(({ path }) => `${path}manifest.json`)])
  } catch (error) {
    cannotStart.value = `The studio cannot start: ${(error as Error).message}`
  }
  clearTimeout(nextLook)
  if (cannotStart.value !== undefined || offer.value?.start) nextLook = setTimeout(readOffer, EVERY)
}

const has = ({ models }: Offer, name: string): boolean => models.some((one) => one.name === name)

/** Looks again where another address asks for a model that was not there at the last look: a training may have made it. */
export const followAddress = (): void => {
  if (offer.value && has(offer.value, modelName.value)) return
  offer.value = undefined
  void readOffer()
}

const fetchOffer = async (): Promise<Offer> => {
  const response = await fetch('models.json')
  if (!response.ok) throw new Error(`models.json: ${response.status} ${response.statusText}`)
  const answer: unknown = await response.json().catch(() => undefined)
  if (isOffer(answer)) return answer
  throw new Error('models.json is no list of models. It is asked for again every few seconds.')
}

const isOffer = (answer: unknown): answer is Offer => {
  const { models } = (answer ?? {}) as Partial<Offer>
  return (
    Array.isArray(models) &&
    models.every((one) => typeof one?.name === 'string' && typeof one.path === 'string')
  )
}

/** Asks the studio to offer a training's model, and returns its name. @throws Error if the training is not done. */
const offerRun = async (run: string): Promise<string> => {
  const response = await fetch(`api/runs/${encodeURIComponent(run)}/model`)
  const answer = await response.json()
  if (!response.ok) throw new Error(answer.error)
  return (answer as Entry).name
}

/** Goes to Paint with a training's model. @throws Error if the training is not done. */
export const paintWithRun = async (run: string): Promise<void> => {
  const name = await offerRun(run)
  // With its teacher, where there is one.
  offer.value = await fetchOffer()
  const manifest = await readManifest(name)
  batch(() => {
    if (!isKnown(prompt.value, manifest)) beginAnew(exampleOf(manifest))
    modelName.value = name
    steps.value = 0
    view.value = 'paint'
  })
}

/** Whether a model can make use of every word of a prompt. */
const isKnown = (text: string, { vocabulary }: Manifest): boolean => {
  const conditioner = conditionerOf(vocabulary)
  return conditioner.refusal(text) === undefined && conditioner.warnings([text]).length === 0
}

/** If the model that is asked for is not here, the first one takes its place. */
const settleModel = (found: Offer): void => {
  const asked = modelName.value
  const [first] = found.models
  // Where there is none yet, the one that is asked for may still come.
  if (!first || has(found, asked)) return
  if (asked !== '')
    trouble.value = `The link asks for the model ${asked}, which is not here; this is ${first.name}.`
  modelName.value = first.name
}

/** @throws Error that names what this browser lacks. */
const lackOf = (): void => {
  const lacks = [
    typeof WebAssembly === 'undefined' && 'WebAssembly',
    typeof Worker === 'undefined' && 'workers',
  ].filter(Boolean)
  if (lacks.length > 0) throw new Error(`this browser lacks ${lacks.join(' and ')}`)
}

/** A model's manifest, which arrives long before its weights. @throws Error if it does not arrive. */
export const readManifest = async (name: string): Promise<Manifest> => {
  const { path } = entryOf(name)!
  const response = await fetch(`${path}manifest.json`)
  if (!response.ok) throw new Error(`manifest.json: ${response.status} ${response.statusText}`)
  return manifestOf(await response.json())
}

/** What is offered by a name. */
export const entryOf = (name: string | undefined): Entry | undefined =>
  offer.value?.models.find((one) => one.name === name)

/** A model by name: the same one each time, until the offer has another one by it. @throws Error if there is none, or it does not load. */
export const openModel = (name: string): Promise<WebModel> => {
  const entry = entryOf(name)
  const known = models.get(name)
  if (known && (!entry || known.sha256 === entry.sha256))
    return known.model.then((model) => {
      if (!model.ended) return model
      if (models.get(name) === known) models.delete(name)
      return openModel(name)
    })
  // The earlier version is not needed any more.
  known?.model.then((model) => model.release()).catch(() => {})
  if (!entry) return Promise.reject(new Error(`there is no model ${name} here`))
  const progress = (loaded: Loaded | undefined) => {
    const { [name]: _, ...others } = loading.value
    loading.value = loaded === undefined ? others : { ...others, [name]: loaded }
  }
  progress({ done: 0, total: 0 })
  const model = load(entry.path, {
    onProgress: (done, total) => progress({ done, total }),
    threads: THREADS,
    device: device.value || undefined,
  })
    .then(async (loaded) => {
      // The first picture is slower than all others. It is painted here, so that its time is not shown as the model's.
      await loaded.generate({ steps: 1 }).catch((error) => {
        loaded.release()
        throw error
      })
      return loaded
    })
    .finally(() => progress(undefined))
  const opened = { sha256: entry.sha256, model }
  models.set(name, opened)
  // What failed may work later.
  model.catch(() => {
    if (models.get(name) === opened) models.delete(name)
  })
  return model
}
