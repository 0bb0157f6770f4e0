/** What the tests of the server share: servers on loopback with the shipped student, which are closed in the end. */
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'
import { afterAll, expect, vi } from 'vitest'
import { createServer, type ServerOptions } from '../../packages/onestroke/src/server/index.js'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

export const STUDENT = 'models/emoji-16-guided'
const closers: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of closers) await close()
})

/** A server that listens, and how it is asked. */
export interface Server extends Pick<Awaited<ReturnType<typeof createServer>>, 'app' | 'service'> {
  port: number
  url: string
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>
}

export const start = async (options: Partial<ServerOptions> = {}, model = STUDENT): Promise<Server> => {
  const { app, service } = await createServer(model, options)
  await app.listen({ port: 0, host: '127.0.0.1' })
  closers.push(() => app.close())
  const { port } = app.server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  const post = (path: string, body: unknown, init: RequestInit = {}) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...init,
      headers: { 'content-type': 'application/json', ...init.headers },
    })
  return { app, service, port, url, post }
}

/** Holds the painter up with a picture until `go`: what waits meanwhile does not hang on how fast clients are. */
export const hold = async ({ post, service: { scheduler } }: Server) => {
  const { painter } = scheduler
  const { paint } = painter
  let go = () => {}
  const going = new Promise<void>((resolve) => {
    go = resolve
  })
  const begun = new Promise<void>((resolve) => {
    vi.spyOn(painter, 'paint').mockImplementationOnce(async (order, signal) => {
      resolve()
      await going
      return paint(order, signal)
    })
  })
  const first = post('/generate', { prompt: 'owl', seed: 1, steps: 1 })
  await begun
  return { first, go }
}

/** Settles when so many pictures wait. */
export const gathered = ({ service: { scheduler } }: Server, pictures: number) =>
  vi.waitFor(() => expect(scheduler.waiting).toBe(pictures), { timeout: 60_000, interval: 5 })

/** How often the painter has painted. */
export const runsOf = async ({ service }: Server): Promise<number> =>
  Number(/onestroke_batch_pictures_count (\d+)/.exec(await service.metrics.registry.metrics())![1])

/** What the server refuses, and how. */
export const refusal = async (asked: Promise<unknown>) => {
  const error = await asked.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(OpenAI.APIError)
  const { status, message } = error as InstanceType<typeof OpenAI.APIError>
  return [status, message]
}

/** Fields that OpenAI does not have. */
export const own = (fields: object) => fields as { seed: number }
