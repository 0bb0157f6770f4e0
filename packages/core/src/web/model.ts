/** A model in a page: it lives in a worker, so that painting never makes the page wait. */
import { inWords, UserError, type Words } from '../errors/index.js'
import { isSameSize, sizeText } from '../picture/index.js'
import { fromRGBA, type Interpolation, type Manifest, maskFromRGBA, shapeOf } from '../pipeline/index.js'
import { type Conditioner, conditionerOf } from '../text/index.js'
import { DEVICES, type Device, type FromWorker, type GenerateRequest, type ToWorker } from './messages.js'
import { lookAt } from './reach.js'
import { type Started, startWorker } from './start-worker.js'

export interface LoadOptions {
  /** Where to run: by default on WebGPU where there is an adapter, else in WebAssembly. */
  readonly device?: Device
  /** Bytes of the model's graphs so far, and of all of them. */
  onProgress?(loaded: number, total: number): void
  /**
   * Threads of WebAssembly, on pages that are cross-origin isolated. Default: onnxruntime's choice. A script from another origin than
   * the page has one, unless `runtime` is given.
   */
  readonly threads?: number
  /** Address of a copy of onnxruntime-web's `ort-wasm-*.mjs` and `.wasm`, where they are not beside the script. */
  readonly runtime?: string
  /** Whether the graph is kept in the Cache API. Default true. */
  readonly cache?: boolean
  /** Makes the worker, for bundlers that need to be told how. */
  worker?(): Worker
}

export interface WebGenerateOptions {
  /** A prompt, or the name of a class. '' or nothing is no condition. */
  readonly prompt?: string
  /** 0 (the default) to 4,294,967,295. Same seed, same picture: Node's, but for rounding. */
  readonly seed?: number
  /** Default: what the model recommends. */
  readonly steps?: number
  /** Noise levels, falling, one for each step: instead of `steps`. */
  readonly sigmas?: readonly number[]
  /** w in D_u + w(D_c − D_u): 1 means none. Students need to have been distilled with a range of it. */
  readonly guidance_scale?: number
  /** What guidance leads away from. */
  readonly negative_prompt?: string
  /** For teachers: one of `SOLVERS`. */
  readonly solver?: GenerateRequest['solver']
  /** A picture of the model's size to begin from. */
  readonly image?: ImageData
  /** How much of it is painted anew, in [0, 1]. Default `DEFAULT_STRENGTH`, with a mask 1. */
  readonly strength?: number
  /** What of the picture is painted, of the same size: the holes of a mask that has any; else what is white, and not what is black. */
  readonly mask?: ImageData
  /** Pictures on the way to another prompt or seed. */
  readonly to?: Interpolation
  readonly signal?: AbortSignal
}

/** Several pictures in one run. */
export interface BatchOptions extends WebGenerateOptions {
  /** One for each picture. */
  readonly prompts: readonly string[]
  /** One for each picture. Default: seed, seed + 1, … */
  readonly seeds?: readonly number[]
}

/** Pictures as they are by now. */
export interface Preview {
  /** Steps done. */
  readonly step: number
  readonly last: boolean
  readonly images: readonly ImageData[]
  /** Since the worker began with this request. */
  readonly milliseconds: number
}

/**
 * Loads an exported model.
 *
 * @param url of the folder that `onestroke export` wrote, or of its manifest.
 * @throws UserError if it is not there, is not what its manifest says, or cannot run in this browser.
 */
export const load = async (url: string, options: LoadOptions = {}): Promise<WebModel> => {
  const made = options.worker?.()
  const { worker, elsewhere }: Started = made ? { worker: made } : startWorker()
  try {
    const { manifest, device } = await new Promise<Extract<FromWorker, { type: 'loaded' }>>(
      (resolve, reject) => {
        worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
          if (data.type === 'progress') options.onProgress?.(data.loaded, data.total)
          else if (data.type === 'loaded') resolve(data)
          else if (data.type === 'error') reject(new UserError(data.message, data))
        }
        worker.onerror = async ({ message }) => reject(await whyNot(message, elsewhere))
        const devices: readonly Device[] = options.device ? [options.device] : DEVICES
        const request: ToWorker = {
          type: 'load',
          request: {
            url: new URL(url, document.baseURI).href,
            devices,
            threads: options.threads ?? 0,
            runtime: options.runtime && new URL(options.runtime.replace(/\/?$/, '/'), document.baseURI).href,
            cache: options.cache ?? true,
          },
        }
        worker.postMessage(request)
      },
    )
    return new WebModel(worker, manifest, device)
  } catch (error) {
    worker.terminate()
    throw error
  }
}

/** Why a worker did not start. Browsers have no message where a script was not found, or where a policy forbids it. */
const whyNot = async (message: string | undefined, elsewhere: URL | undefined): Promise<UserError> => {
  if (!elsewhere)
    return new UserError(`the worker cannot run: ${message ?? 'it was not found, or may not start'}`)
  const refused = await lookAt(elsewhere)
  return (
    refused ??
    new UserError(`the worker of ${elsewhere} cannot run${message ? `: ${message}` : ''}`, {
      remedy: `a Content-Security-Policy of the page must allow blob: and ${elsewhere.origin} in worker-src`,
    })
  )
}

const RELEASED = 'the model was released'

/** Options by the names that `generate` has for them here. */
const NAMES: ReadonlyMap<string, string> = new Map([['num_inference_steps', 'steps']])
const named = (option: string): string => NAMES.get(option) ?? option

/** What the worker says is wrong, of what `generate` was asked. */
const asAsked = ({ message, remedy, option }: Extract<FromWorker, { type: 'error' }>): UserError => {
  const words: Words = (name) => `\`${named(name)}\``
  return new UserError(inWords(message, words), {
    remedy: remedy === undefined ? undefined : inWords(remedy, words),
    option: option === undefined ? undefined : named(option),
  })
}

interface Listener {
  onPictures(message: Extract<FromWorker, { type: 'pictures' }>): void
  onError(error: Error): void
}

export class WebModel {
  readonly #listeners = new Map<number, Listener>()
  readonly #conditioner: Conditioner
  #count = 0
  #ended: Error | undefined
  #tellEnd = (_: Error) => {}
  /** Resolves when it paints no more, to why: it was released, its worker failed, or its graphics device was lost. */
  readonly whenEnded = new Promise<Error>((resolve) => {
    this.#tellEnd = resolve
  })

  constructor(
    readonly worker: Worker,
    readonly manifest: Manifest,
    /** Where it runs. */
    readonly device: Device,
  ) {
    this.#conditioner = conditionerOf(manifest.vocabulary)
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data)
    worker.onerror = ({ message }) => this.#end(new UserError(`the worker failed: ${message}`))
  }

  /** Whether it paints no more: see `whenEnded`. */
  get ended(): boolean {
    return this.#ended !== undefined
  }

  /** What the model does not read of prompts, in sentences for people. */
  warnings(prompts: readonly string[]): string[] {
    return this.#conditioner.warnings(prompts)
  }

  /** Paints one picture. @throws UserError, also once the model has ended; the signal's reason if it was aborted. */
  async generate(options: WebGenerateOptions = {}): Promise<ImageData> {
    const { prompt = '' } = options
    const [image] = await this.generateBatch({ ...options, prompts: [prompt] })
    return image!
  }

  /** Paints a picture for each prompt in one run. */
  async generateBatch(options: BatchOptions): Promise<readonly ImageData[]> {
    let images: readonly ImageData[] = []
    for await (const preview of this.#stream(options, false)) images = preview.images
    return images
  }

  /** The picture after each step, as it would end: the last is the one that `generate` gives. */
  stream(options: Partial<BatchOptions> = {}): AsyncIterable<Preview> {
    return this.#stream({ prompts: [options.prompt ?? ''], ...options }, true)
  }

  /** Frees the model and its worker. What is being painted is rejected. */
  release(): void {
    this.#end(new UserError(RELEASED))
  }

  async *#stream(
    { prompts, seed = 0, signal, prompt: _, image, mask, ...rest }: BatchOptions,
    previews: boolean,
  ): AsyncGenerator<Preview> {
    signal?.throwIfAborted()
    if (this.#ended) throw this.#ended
    const id = this.#count++
    const { channels, height, width } = shapeOf(this.manifest)
    const edit = {
      ...(image && { image: fromRGBA(this.#fitting(image).data, channels) }),
      ...(mask && { mask: maskFromRGBA(this.#fitting(mask).data) }),
    }
    const arrived: Preview[] = []
    let failure: Error | undefined
    let wake = () => {}
    this.#listeners.set(id, {
      onPictures: ({ step, last, pictures, milliseconds }) => {
        const images = pictures.map((rgba) => new ImageData(new Uint8ClampedArray(rgba), width, height))
        arrived.push({ step, last, images, milliseconds })
        wake()
      },
      onError: (error) => {
        failure ??= error
        wake()
      },
    })
    const abort = () => {
      this.#say({ type: 'abort', id })
      // The worker may be busy with what was asked before.
      failure ??= signal?.reason as Error
      wake()
    }
    signal?.addEventListener('abort', abort)
    try {
      this.#say({ type: 'generate', id, request: { prompts, seed, previews, ...edit, ...rest } })
      for (;;) {
        if (arrived.length === 0 && !failure)
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        // Pictures that the worker painted before the abort reached it are dropped, too.
        if (failure) throw failure
        const preview = arrived.shift()!
        yield preview
        if (preview.last) return
      }
    } finally {
      signal?.removeEventListener('abort', abort)
      // The rest is aborted if the caller stops listening.
      if (this.#listeners.delete(id)) this.#say({ type: 'abort', id })
    }
  }

  /** @throws UserError unless it has the model's size. */
  #fitting(image: ImageData): ImageData {
    const shape = shapeOf(this.manifest)
    if (!isSameSize(image, shape))
      throw new UserError(`this model edits pictures of ${sizeText(shape)} pixels, not ${sizeText(image)}`)
    return image
  }

  #say(message: ToWorker): void {
    this.worker.postMessage(message)
  }

  #hear(message: FromWorker): void {
    if (message.type === 'pictures') this.#listeners.get(message.id)?.onPictures(message)
    if (message.type === 'ended')
      this.#end(new UserError(message.message, { remedy: 'load the model again' }))
    if (message.type === 'error' && message.id !== undefined)
      this.#listeners.get(message.id)?.onError(asAsked(message))
  }

  #end(error: Error): void {
    this.worker.terminate()
    this.#ended ??= error
    this.#tellEnd(this.#ended)
    for (const { onError } of this.#listeners.values()) onError(error)
  }
}
