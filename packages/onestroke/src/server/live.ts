/** Live sliders: on one socket, a newer request takes the place of an older one that is still waiting. */
import type { WebSocket } from 'ws'
import type { z } from 'zod'
import { deadline } from './deadline.js'
import { FAILURE, issueText, problemOf } from './problems.js'
import { wrongValue } from './refusals.js'
import { type LiveMessage, liveRequest } from './schemas.js'

export interface Live {
  /** Seconds after which a request is aborted. */
  readonly timeout: number
  /** Paints one picture as PNG, and says what of the message could not be done as it was asked. */
  paint(
    message: LiveMessage,
    signal: AbortSignal,
  ): Promise<{ readonly png: Buffer; readonly warnings: readonly string[] }>
  /** Called with internal errors, of which clients get only a generic message. */
  onFailure?(error: Error): void
}

/** Ping interval in milliseconds: a client that missed the last ping is dropped. */
const PULSE = 30_000
/** Bytes that may wait to be read by a client, which is dropped if there are more. */
const MOST_UNREAD = 2 ** 20

/**
 * Answers `{ id, prompt, seed, steps, image, to, … }` with `{ id, seed, milliseconds }` and then the PNG; with `{ id, superseded: true }`
 * if something newer came; with `{ id, error }`. The next picture is painted when the last one has gone out, so that slow networks
 * get fewer pictures and not older ones.
 *
 * @returns waits until what has been accepted is sent.
 */
export const serveLive = (socket: WebSocket, { paint, timeout, onFailure }: Live): (() => Promise<void>) => {
  let waiting: LiveMessage | undefined
  let working: Promise<void> | undefined
  let current: ReturnType<typeof deadline> | undefined
  let open = true
  const say = (message: object) => {
    socket.send(JSON.stringify(message))
    if (socket.bufferedAmount > MOST_UNREAD) socket.terminate()
  }
  const sent = (picture: Buffer) => new Promise<unknown>((resolve) => socket.send(picture, resolve))
  const work = async () => {
    while (waiting && open) {
      const message = waiting
      waiting = undefined
      const begin = performance.now()
      current = deadline(timeout)
      try {
        const { png, warnings } = await paint(message, current.signal)
        say({
          id: message.id,
          seed: message.seed,
          to_seed: message.to?.seed,
          milliseconds: performance.now() - begin,
          ...(warnings.length > 0 && { warnings }),
        })
        await sent(png)
      } catch (error) {
        const { type, message: text } = problemOf(error as Error)
        if (type === FAILURE) onFailure?.(error as Error)
        if (open) say({ id: message.id, error: text })
      } finally {
        current.met()
      }
    }
    working = undefined
  }
  socket.on('message', (data) => {
    const parsed = parse(data.toString())
    if ('error' in parsed) return say(parsed)
    if (waiting) say({ id: waiting.id, superseded: true })
    waiting = parsed.message
    working ??= work()
  })
  let there = true
  socket.on('pong', () => {
    there = true
  })
  const pulse = setInterval(() => {
    if (!there) return socket.terminate()
    there = false
    socket.ping()
  }, PULSE).unref()
  socket.on('error', () => socket.terminate())
  socket.on('close', () => {
    open = false
    clearInterval(pulse)
    current?.abort()
  })
  return async () => working
}

const parse = (text: string): { message: LiveMessage } | { id: number | null; error: string } => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { id: null, error: 'the message is not JSON' }
  }
  const { success, data, error } = liveRequest.safeParse(json)
  if (success) return { message: data }
  const id = (json as { id?: unknown } | null)?.id
  return { id: typeof id === 'number' ? id : null, error: firstIssue(error) }
}

const firstIssue = ({ issues }: z.ZodError): string => {
  const [issue] = issues
  return wrongValue(issue!.path, issueText(issue as { message: string; keys?: string[] }))
}
