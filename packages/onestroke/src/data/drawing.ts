/**
 * Decodes what may take long in separate processes, which can be killed. A few hundred bytes of SVG can keep a processor busy for
 * ever, and a JPEG of 100 megapixels in thousands of scans, in half a megabyte, for a minute. Other pictures write each pixel once:
 * small files of them take two seconds for as many pixels, and are decoded in this process.
 */
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
          return { reason: `takes more than ${this.seconds} seconds to read` }
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

const DRAWERS = new Drawers(20)

/** Decodes as `decode` does, but what may take long in a separate process: for files from outside. */
export const decodeForeign = async (
  read: () => Promise<Uint8Array>,
  options: DecodeOptions,
  drawers = DRAWERS,
): Promise<Outcome> => {
  let bytes: Uint8Array
  try {
    bytes = await read()
  } catch (error) {
    return decode(() => Promise.reject(error), options)
  }
  if (mayBeDrawing(bytes)) {
    const { formats } = options
    if (formats && !formats.includes('svg')) return { reason: `svg is not taken, only ${formats.join(', ')}` }
  } else if (!hasManyScans(bytes)) return decode(async () => bytes, options)
  return drawers.draw(bytes, options)
}

/** Whether it begins as XML does (in UTF-8 or UTF-16), or is gzipped, as .svgz is. */
const mayBeDrawing = (bytes: Uint8Array): boolean => {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return true
  return /^[\xef\xbb\xbf\xfe\xff\0\s]*</.test(Buffer.from(bytes.subarray(0, 4096)).toString('latin1'))
}

/** Scans of a JPEG that are decoded without a deadline. Cameras and encoders write 1 to 20; each may pass over all pixels. */
const MANY_SCANS = 100

/** Whether it is a JPEG of many scans, counted by its markers: a picture inside its metadata does not count. */
const hasManyScans = (bytes: Uint8Array): boolean => {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return false
  let scans = 0
  // To the next marker: in a scan, 0xff is followed by 0 or by the number of a restart.
  for (let at = bytes.indexOf(0xff, 2); at >= 0 && at + 3 < bytes.length; at = bytes.indexOf(0xff, at)) {
    const marker = bytes[at + 1]!
    if (marker === 0xd9) return false
    if (marker === 0xda && ++scans > MANY_SCANS) return true
    const isAlone = marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd8)
    if (marker === 0xff) at += 1
    else at += 2 + (isAlone ? 0 : bytes[at + 2]! * 256 + bytes[at + 3]!)
  }
  return false
}
