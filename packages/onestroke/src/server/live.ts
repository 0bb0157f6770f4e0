/** Live sliders: on one socket, a newer request takes the place of an older one that is still waiting. */
import type { WebSocket } from 'ws'
import type { z } from 'zod'
import { type LiveMessage, liveRequest } from './schemas.js'

export interface Live {
  /** Paints one picture as PNG. */
  paint(message: LiveMessage, signal: AbortSignal): Promise<Buffer>
}

/**
 * Answers `{ id, prompt, seed, steps, image, to, … }` with `{ id, milliseconds }` and then the PNG; with `{ id, superseded: true }`
 * if something newer came; with `{ id, error }`.
 */
export const serveLive = (socket: WebSocket, { paint }: Live): void => {
  let waiting: LiveMessage | undefined
  let busy = false
  const controller = new AbortController()
  const say = (message: object) => socket.send(JSON.stringify(message))
  const work = async () => {
    busy = true
    while (waiting && !controller.signal.aborted) {
      const message = waiting
      waiting = undefined
      const begin = performance.now()
      try {
        const png = await paint(message, controller.signal)
        say({ id: message.id, milliseconds: performance.now() - begin })
        socket.send(png)
      } catch (error) {
        if (!controller.signal.aborted) say({ id: message.id, error: (error as Error).message })
      }
    }
    busy = false
  }
  socket.on('message', (data) => {
    const parsed = parse(data.toString())
    if ('error' in parsed) return say(parsed)
    if (waiting) say({ id: waiting.id, superseded: true })
    waiting = parsed.message
    if (!busy) void work()
  })
  socket.on('error', () => socket.terminate())
  socket.on('close', () => controller.abort())
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
  const { id } = json as { id?: unknown }
  return { id: typeof id === 'number' ? id : null, error: firstIssue(error) }
}

const firstIssue = ({ issues }: z.ZodError): string => {
  const [issue] = issues
  return `${issue!.path.length > 0 ? `${issue!.path.join('.')}: ` : ''}${issue!.message}`
}
