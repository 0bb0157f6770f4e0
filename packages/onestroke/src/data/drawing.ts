/** Draws SVGs from outside in separate processes: a few hundred bytes can keep a processor busy for ever. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { builtUrl } from '../built.js'
import { DECODERS, type DecodeOptions, decode, type Outcome } from './decode.js'

/** What is sent to such a process. */
export interface Drawing {
  bytes: Uint8Array
  options: DecodeOptions
  seconds: number
}

/** The options that can be sent, and that change the picture. Callers pass others too, such as functions. */
const sendable = ({
  resolution,
  channels,
  megapixels,
  formats,
  mask,
}: DecodeOptions): Record<keyof DecodeOptions, unknown> & DecodeOptions => ({
  resolution,
  channels,
  megapixels,
  formats,
  mask,
})

/** Processes that draw, started when they are needed. */
export class Drawers {
  readonly #idle: ChildProcess[] = []
  readonly #waiting: (() => void)[] = []
  #started = 0

  /** @param seconds of processor time that a drawing may take. */
  constructor(
    readonly seconds: number,
    readonly most = DECODERS,
  ) {}

  /** Draws as `decode` does. A drawing that takes too long ends its process, and is refused. */
  async draw(bytes: Uint8Array, options: DecodeOptions): Promise<Outcome> {
    while (this.#idle.length === 0 && this.#started >= this.most)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    const drawer = this.#idle.pop() ?? this.#start()
    drawer.ref()
    drawer.channel?.ref()
    const done = new AbortController()
    const { signal } = done
    try {
      drawer.send({ bytes, options: sendable(options), seconds: this.seconds } satisfies Drawing)
      return await Promise.race([
        once(drawer, 'message', { signal }).then(([outcome]) => {
          this.#idle.push(drawer)
          // An idle one does not keep this process from ending, and ends with it.
          drawer.unref()
          drawer.channel?.unref()
          return outcome as Outcome
        }),
        once(drawer, 'exit', { signal }).then(() => {
          this.#started--
          return { reason: `takes more than ${this.seconds} seconds to draw` }
        }),
      ])
    } finally {
      done.abort()
      this.#waiting.shift()?.()
    }
  }

  #start(): ChildProcess {
    this.#started++
    return fork(builtUrl(import.meta.url, './draw-process.js'), {
      serialization: 'advanced',
      stdio: 'ignore',
      execArgv: [],
    })
  }
}

const drawers = new Drawers(20)

/** Decodes as `decode` does, but drawings in a separate process: for files from outside. */
export const decodeForeign = async (
  read: () => Promise<Uint8Array>,
  options: DecodeOptions,
): Promise<Outcome> => {
  let bytes: Uint8Array
  try {
    bytes = await read()
  } catch (error) {
    return decode(() => Promise.reject(error), options)
  }
  if (!mayBeDrawing(bytes)) return decode(async () => bytes, options)
  const { formats } = options
  if (formats && !formats.includes('svg')) return { reason: `svg is not taken, only ${formats.join(', ')}` }
  return drawers.draw(bytes, options)
}

/** Whether it begins as XML does (in UTF-8 or UTF-16), or is gzipped, as .svgz is. */
const mayBeDrawing = (bytes: Uint8Array): boolean => {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return true
  return /^[\xef\xbb\xbf\xfe\xff\0\s]*</.test(Buffer.from(bytes.subarray(0, 4096)).toString('latin1'))
}
