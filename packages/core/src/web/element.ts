/**
 * `<one-stroke src="emoji/" prompt="red heart" seed="1" steps="1">`: a picture that follows its attributes, which for
 * guided models are also `guidance-scale` and `negative-prompt`. Models are shared between elements of one address.
 * Fires `painted` (detail: milliseconds, device, seed, warnings) and `error`, which is also to be read in the picture's place.
 */
import { told, UserError, type Words } from '../errors/index.js'
import type { PictureSize } from '../picture/index.js'
import { readSeed, SEED_RULE } from '../pipeline/index.js'
import { DEVICES, type Device } from './messages.js'
import { load, type WebModel } from './model.js'
import { type Share, share } from './share.js'

/** Without a page, as in rendering on a server, there is no HTMLElement to extend. */
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement)

const STYLE = `
:host{display:inline-block;width:8rem;overflow:auto}
canvas{width:100%;height:100%;image-rendering:pixelated}
p{margin:0;padding:.5em;font:.75rem/1.3 system-ui,sans-serif;color:#8a1c1c;background:#fdecec;overflow-wrap:anywhere}
[hidden]{display:none}`
/** Most steps: one picture must not delay all others of its model for long. */
const MOST_STEPS = 128
const MOST_GUIDANCE = 100
/** Attributes whose change loads another model. */
const MODEL_ATTRIBUTES = ['src', 'device', 'runtime']

/** Options by the names of attributes. */
const inAttributes: Words = (option) => option.replaceAll('_', '-')

const sheets = new Map<string, CSSStyleSheet>()

/** A sheet, not an element: content security policies forbid what is written inline. One for all elements of one style. */
const styleSheet = (style: string): CSSStyleSheet => {
  const known = sheets.get(style)
  if (known) return known
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(style)
  sheets.set(style, sheet)
  return sheet
}

export class OneStrokeElement extends Base {
  static readonly observedAttributes = [
    'src',
    'prompt',
    'seed',
    'steps',
    'guidance-scale',
    'negative-prompt',
    'device',
    'runtime',
  ]
  readonly #root: ShadowRoot
  readonly #canvas = document.createElement('canvas')
  /** Shows an error in the picture's place. */
  readonly #message = document.createElement('p')
  #controller: AbortController | undefined
  /** Whether something has changed since the last picture began, and whether one is being painted. */
  #wanted = false
  #painting = false
  #share: Share | undefined
  /** Whether a picture is shown. */
  #hasPicture = false
  /** The seed that the attribute `seed` gives. A drawn seed stays until the attribute is set again. */
  #seed: number | undefined

  constructor() {
    super()
    const shadow = this.attachShadow({ mode: 'open' })
    this.#message.setAttribute('role', 'alert')
    this.#message.setAttribute('part', 'message')
    this.#message.hidden = true
    shadow.append(this.#canvas, this.#message)
    this.#root = shadow
    this.#fit({ height: 1, width: 1 })
    this.#canvas.setAttribute('role', 'img')
  }

  connectedCallback(): void {
    this.#schedule()
  }
  disconnectedCallback(): void {
    this.#controller?.abort()
    this.#letGo()
  }
  attributeChangedCallback(name: string): void {
    // Aborts a picture of another model.
    if (MODEL_ATTRIBUTES.includes(name)) this.#controller?.abort()
    if (name === 'seed') this.#seed = undefined
    this.#schedule()
  }

  /** Several attributes that change at once make one picture. A begun picture is finished before the newest one begins. */
  #schedule(): void {
    this.#wanted = true
    if (this.#painting) return
    this.#painting = true
    queueMicrotask(async () => {
      while (this.#wanted && this.isConnected) {
        this.#wanted = false
        await this.#paint()
      }
      this.#painting = false
    })
  }

  async #paint(): Promise<void> {
    const controller = new AbortController()
    this.#controller = controller
    const [src, prompt] = [this.getAttribute('src'), this.getAttribute('prompt') ?? '']
    const negative_prompt = this.getAttribute('negative-prompt')
    this.#canvas.setAttribute('aria-label', prompt || 'generated picture')
    try {
      if (!src) return this.#waitForModel()
      const steps = this.#number('steps', { least: 1, most: MOST_STEPS, whole: true })
      const seed = this.#seedNumber()
      const guidance_scale = this.#number('guidance-scale', { least: 0, most: MOST_GUIDANCE })
      const model = await this.#model(src)
      controller.signal.throwIfAborted()
      const begin = performance.now()
      const image = await model.generate({
        prompt,
        signal: controller.signal,
        seed,
        steps,
        guidance_scale,
        negative_prompt: negative_prompt ?? undefined,
      })
      ;[this.#canvas.width, this.#canvas.height] = [image.width, image.height]
      this.#fit(image)
      this.#canvas.getContext('2d')!.putImageData(image, 0, 0)
      const milliseconds = performance.now() - begin
      const warnings = model.warnings([prompt, negative_prompt ?? ''])
      this.#show()
      // Warnings over the picture would hide it, so they are a tooltip, and in the event.
      this.#canvas.title = warnings.join('\n')
      const detail = { milliseconds, device: model.device, seed, warnings }
      this.dispatchEvent(new CustomEvent('painted', { detail }))
    } catch (error) {
      if (controller.signal.aborted) return
      const said = told(error as UserError, inAttributes)
      this.#show(said)
      console.error(`<${this.localName}>: ${said}`)
      this.dispatchEvent(new ErrorEvent('error', { error, message: said }))
    }
  }

  /** Gives the element the picture's proportions, unless the page's style sets others. Before the first picture it is square. */
  #fit({ height, width }: PictureSize): void {
    this.#root.adoptedStyleSheets = [styleSheet(STYLE), styleSheet(`:host{aspect-ratio:${width}/${height}}`)]
  }

  /** Lets go of the model. A picture stays. @throws UserError if there is none. */
  #waitForModel(): void {
    this.#letGo()
    if (!this.#hasPicture) throw new UserError('src is missing: it is the folder that onestroke export wrote')
  }

  /** The picture, or a message in its place. */
  #show(message?: string): void {
    this.#message.textContent = message ?? ''
    this.#message.hidden = message === undefined
    this.#canvas.hidden = message !== undefined
    this.#hasPicture = message === undefined
  }

  /** @throws UserError if the attribute is no seed. */
  #seedNumber(): number {
    const text = this.getAttribute('seed') ?? '0'
    this.#seed ??= readSeed(text)
    if (this.#seed === undefined) throw new UserError(`seed is ${SEED_RULE}, not "${text}"`)
    return this.#seed
  }

  /** @throws UserError if the attribute is no number of the range. */
  #number(
    name: string,
    { least, most, whole = false }: { least: number; most: number; whole?: boolean },
  ): number | undefined {
    const text = this.getAttribute(name)
    if (text === null) return undefined
    const value = Number(text)
    if (text.trim() === '' || !(value >= least && value <= most) || (whole && !Number.isInteger(value)))
      throw new UserError(
        `${name} is ${whole ? 'a whole number' : 'a number'} from ${least} to ${most}, not "${text}"`,
      )
    return value
  }

  /** @throws UserError if there is no such device. */
  #device(): Device | undefined {
    const asked = this.getAttribute('device')
    const device = DEVICES.find((one) => one === asked)
    if (asked !== null && !device) throw new UserError(`device is ${DEVICES.join(' or ')}, not "${asked}"`)
    return device
  }

  #model(src: string): Promise<WebModel> {
    const device = this.#device()
    const runtime = this.getAttribute('runtime')
    const key = JSON.stringify([new URL(src, document.baseURI).href, device, runtime])
    if (this.#share?.key !== key || this.#share.over()) {
      this.#letGo()
      this.#share = share(key, () =>
        load(src, {
          device,
          runtime: runtime ?? undefined,
        }),
      )
    }
    return this.#share.model
  }

  #letGo(): void {
    this.#share?.letGo()
    this.#share = undefined
  }
}

/** Makes `<one-stroke>` known to the page. */
export const defineElement = (name = 'one-stroke'): void => {
  if (globalThis.customElements && !customElements.get(name)) customElements.define(name, OneStrokeElement)
}
