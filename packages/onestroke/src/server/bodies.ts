/** What large requests may take of the memory, all together. */
import type { FastifyRequest } from 'fastify'
import { Busy } from './scheduler.js'
import type { App } from './service.js'

/** Bytes above which a request counts as large. */
const LARGE = 2 ** 20
/** Bytes of all large requests that are there at once. */
const MOST = 2 ** 28

/** Refuses large requests while there are too many. After the guard: only those who may ask take room. */
export const limitBodies = (app: App): void => {
  let taken = 0
  app.addHook('onRequest', async (request, reply) => {
    const size = announced(request)
    if (size <= LARGE) return
    if (taken + size > MOST)
      throw new Busy('too many large requests are being read; scale pictures down, or come back')
    taken += size
    reply.raw.once('close', () => {
      taken -= size
    })
  })
}

/** Bytes that a request has at most. */
const announced = ({ headers, routeOptions }: FastifyRequest): number => {
  const limit = routeOptions.bodyLimit ?? 0
  if (headers['content-length'] !== undefined) return Math.min(Number(headers['content-length']), limit)
  return headers['transfer-encoding'] === undefined ? 0 : limit
}
