/**
 * `<one-stroke src="emoji/" prompt="red heart" seed="1" steps="1">`: a picture that follows its attributes, which for
 * guided models are also `guidance-scale` and `negative-prompt`. Models are shared between elements of one address.
 * Fires `painted` (detail: milliseconds, device) and `error`.
 */
import type { UserError } from '../formats/errors.js'
import { load, type WebModel } from './model.js'
import { type Share, share } from './share.js'

/** Where there is no page, as when one is rendered on a server, there are no elements either. */
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement)

const STYLE =
  ':host{display:inline-block;width:8rem;aspect-ratio:1}canvas{width:100%;height:100%;image-rendering:pixelated}'
let sheet: CSSStyleSheet | undefined

/** A sheet, not an element: content security policies forbid what is written inline. One for all elements. */
const styleSheet = (): CSSStyleSheet => {
  if (!sheet) {
    sheet = new CSSStyleSheet()
    sheet.replaceSync(STYLE)
  }
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
  readonly #canvas = document.createElement('canvas')
  #controller: AbortController | undefined
  #scheduled = false
  #share: Share | undefined

  constructor() {
    super()
    const shadow = this.attachShadow({ mode: 'open' })
    shadow.append(this.#canvas)
    shadow.adoptedStyleSheets = [styleSheet()]
    this.#canvas.setAttribute('role', 'img')
  }

  connectedCallback(): void {
    this.#schedule()
  }
  disconnectedCallback(): void {
    this.#controller?.abort()
    this.#letGo()
  }
  attributeChangedCallback(): void {
    this.#schedule()
  }

  /** Several attributes that change at once are one picture. */
  #schedule(): void {
    if (this.#scheduled || !this.isConnected) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      if (this.isConnected) void this.#paint()
    })
  }

  async #paint(): Promise<void> {
    this.#controller?.abort()
    const controller = new AbortController()
    this.#controller = controller
    const number = (name: string) => (this.hasAttribute(name) ? Number(this.getAttribute(name)) : undefined)
    const [src, prompt] = [this.getAttribute('src'), this.getAttribute('prompt') ?? '']
    if (!src) return this.#letGo()
    const [steps, guidance_scale] = [number('steps'), number('guidance-scale')]
    const negative_prompt = this.getAttribute('negative-prompt')
    this.#canvas.setAttribute('aria-label', prompt || 'generated picture')
    try {
      const model = await this.#model(src)
      controller.signal.throwIfAborted()
      const begin = performance.now()
      const image = await model.generate({
        prompt,
        seed: number('seed') ?? 0,
        signal: controller.signal,
        ...(steps !== undefined && { steps }),
        ...(guidance_scale !== undefined && { guidance_scale }),
        ...(negative_prompt !== null && { negative_prompt }),
      })
      ;[this.#canvas.width, this.#canvas.height] = [image.width, image.height]
      this.#canvas.getContext('2d')!.putImageData(image, 0, 0)
      const detail = { milliseconds: performance.now() - begin, device: model.device }
      this.dispatchEvent(new CustomEvent('painted', { detail }))
    } catch (error) {
      if (controller.signal.aborted) return
      const { message, remedy } = error as UserError
      this.dispatchEvent(
        new ErrorEvent('error', { error, message: remedy ? `${message}; ${remedy}` : message }),
      )
    }
  }

  #model(src: string): Promise<WebModel> {
    const device = this.getAttribute('device')
    const runtime = this.getAttribute('runtime')
    const key = JSON.stringify([new URL(src, document.baseURI).href, device, runtime])
    if (this.#share?.key !== key || this.#share.over()) {
      this.#letGo()
      this.#share = share(key, () =>
        load(src, {
          ...((device === 'wasm' || device === 'webgpu') && { device }),
          ...(runtime !== null && { runtime }),
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
