/**
 * Many requests, one painter: while it paints, requests gather, and those that agree in their settings share its next
 * run. There is no artificial delay: a free painter takes the oldest request at once, plus every waiting one with equal settings.
 */
import { UserError } from '@onestroke/core/errors'
import { NotFiniteError } from '@onestroke/core/pipeline'
import type { Painter } from './painter.js'
import { keyOf, type PaintOrder, slicesOf, together } from './settings.js'

/** There is no room in the queue: the client should come back. */
export class Busy extends Error {
  override readonly name = 'Busy'
}
/** The server takes nothing new. */
export class Closing extends Error {
  override readonly name = 'Closing'
}

/** An order whose image and mask are shared by all its prompts. */
export interface Order extends PaintOrder {
  /** Takes the order out of the queue. A run ends early if all of its orders are aborted. */
  readonly signal?: AbortSignal
  /** Called after each step with the denoised pictures, for orders that fit into one run. */
  onPreview?(pictures: Float32Array): void
}

export interface SchedulerOptions {
  /** Most pictures in one run: larger orders take several. 1 makes every picture a run of its own. */
  readonly batch: number
  /** Most pictures that wait. */
  readonly queue: number
  /** Called after every run with its number of pictures and its seconds. */
  onRun?(pictures: number, seconds: number): void
  /** Called after every run whose values were not finite. */
  onNotFinite?(): void
}

interface Waiting extends Order {
  readonly key: string
  resolve(pictures: Float32Array): void
  reject(error: unknown): void
  /** Called if the order is aborted while it is being painted. */
  onGone?(): void
}

export class Scheduler {
  readonly #waiting: Waiting[] = []
  #painting: Promise<void> | undefined
  #handing = Promise.resolve()
  #closing = false

  constructor(
    readonly painter: Painter,
    readonly options: SchedulerOptions,
  ) {}

  /** Pictures that wait. */
  get waiting(): number {
    return this.#waiting.reduce((sum, { prompts }) => sum + prompts.length, 0)
  }
  get closing(): boolean {
    return this.#closing
  }

  /**
   * Paints an order's pictures: [count, C, H, W].
   *
   * @throws Busy if the queue is full; Closing; the signal's reason; UserError if the model refuses, or if there is never so much
   *   room in the queue.
   */
  async paint(order: Order): Promise<Float32Array> {
    order.signal?.throwIfAborted()
    if (this.#closing) throw new Closing('the server is closing')
    const { length } = order.prompts
    const { batch, queue } = this.options
    if (length > queue) throw new UserError(`${length} pictures are more than ${queue}, which may wait here`)
    if (this.waiting + length > queue) throw new Busy('too many pictures are waiting')
    const pictures = await Promise.all(
      slicesOf(order, batch).map((slice) => this.#wait({ ...order, ...slice })),
    )
    return pictures.length === 1 ? pictures[0]! : joined(pictures)
  }

  #wait(order: Order): Promise<Float32Array> {
    const { signal } = order
    return new Promise((resolve, reject) => {
      /** Removes the listener when the order is done, because the signal may outlive it. */
      const last =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          signal?.removeEventListener('abort', leave)
          settle(value)
        }
      const one: Waiting = { ...order, key: keyOf(order), resolve: last(resolve), reject: last(reject) }
      const leave = () => {
        const at = this.#waiting.indexOf(one)
        if (at >= 0) this.#waiting.splice(at, 1)
        one.onGone?.()
        one.reject(signal!.reason)
      }
      signal?.addEventListener('abort', leave)
      this.#waiting.push(one)
      this.#painting ??= this.#paintAll()
    })
  }

  /** Finishes what was accepted, and takes nothing new. */
  async close(): Promise<void> {
    this.#closing = true
    await this.#painting
    await this.#handing
    await this.painter.close()
  }

  async #paintAll(): Promise<void> {
    // Requests that have arrived together go together.
    await new Promise(setImmediate)
    while (this.#waiting.length > 0) await this.#run(this.#next())
    this.#painting = undefined
  }

  /** The oldest waiting order, and all with equal settings, as far as there is room. */
  #next(): [Waiting, ...Waiting[]] {
    const head = this.#waiting.shift()!
    const run: [Waiting, ...Waiting[]] = [head]
    let room = this.options.batch - head.prompts.length
    for (const one of [...this.#waiting]) {
      if (room <= 0) break
      if (one.key !== head.key || one.prompts.length > room) continue
      run.push(one)
      room -= one.prompts.length
      this.#waiting.splice(this.#waiting.indexOf(one), 1)
    }
    return run
  }

  async #run(run: readonly [Waiting, ...Waiting[]]): Promise<void> {
    const begin = performance.now()
    const order = together(run)
    try {
      const pictures = await this.painter.paint(order, allGone(run), previewsOf(run, order.prompts.length))
      this.options.onRun?.(order.prompts.length, (performance.now() - begin) / 1000)
      this.#handing = this.#handing.then(() => handOut(run, pictures, pictures.length / order.prompts.length))
    } catch (error) {
      if (error instanceof NotFiniteError) this.options.onNotFinite?.()
      for (const { reject } of run) reject(error)
    }
  }
}

/**
 * Resolves one order per turn of the event loop, while the next run is painted: encoding all at once would block the loop.
 *
 * @param size of a picture.
 */
const handOut = async (run: readonly Waiting[], pictures: Float32Array, size: number): Promise<void> => {
  let at = 0
  for (const { prompts, resolve } of run) {
    resolve(pictures.slice(at, at + prompts.length * size))
    at += prompts.length * size
    await new Promise(setImmediate)
  }
}

/** Hands each order its own part of the previews; undefined if no order wants previews. */
const previewsOf = (run: readonly Waiting[], count: number) => {
  if (run.every(({ onPreview }) => !onPreview)) return undefined
  return (pictures: Float32Array) => {
    const size = pictures.length / count
    let at = 0
    for (const { prompts, onPreview } of run) {
      onPreview?.(pictures.slice(at, at + prompts.length * size))
      at += prompts.length * size
    }
  }
}

const joined = (parts: readonly Float32Array[]): Float32Array => {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Aborted when all of these orders are; never if one of them has no signal. */
const allGone = (orders: readonly Waiting[]): AbortSignal => {
  const all = new AbortController()
  let left = orders.length
  for (const one of orders)
    one.onGone = () => {
      left--
      if (left === 0) all.abort()
    }
  return all.signal
}
