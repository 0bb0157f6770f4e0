/** What can be asked. */
import { UserError } from '@onestroke/core/formats'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { checkPixels, type Painted } from './answers.js'
import type { App, Service } from './app.js'
import { deadline } from './deadline.js'
import { serveLive } from './live.js'
import { orderOf } from './order.js'
import { problemBody } from './problems.js'
import { Busy } from './scheduler.js'
import { generateAnswer, generateRequest, openaiAnswer, openaiRequest, problem } from './schemas.js'

/** What any route may answer instead. */
const PROBLEMS = Object.fromEntries(
  [400, 401, 403, 413, 415, 421, 429, 500, 503].map((status) => [status, problem]),
) as Record<400 | 503, typeof problem>
/** For routes that need no token. */
const OPEN = { security: [] }

export const routes =
  (service: Service) =>
  async (server: unknown): Promise<void> => {
    const app = server as App
    const { pipeline, scheduler, encoder, metrics } = service
    const { kind, network, vocabulary, sampling } = pipeline.config

    app.get(
      '/health',
      { schema: { ...OPEN, response: { 200: z.object({ status: z.literal('ok') }), ...PROBLEMS } } },
      async () => ({
        status: 'ok' as const,
      }),
    )
    const ready = z.object({ status: z.literal('ready') })
    app.get('/ready', { schema: { ...OPEN, response: { 200: ready, ...PROBLEMS } } }, async (_, reply) =>
      scheduler.closing
        ? reply.code(503).send(problemBody('closing', 'the server is closing'))
        : { status: 'ready' as const },
    )
    app.get('/metrics', { schema: { response: { 200: z.string(), ...PROBLEMS } } }, async (_, reply) =>
      reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
    )
    app.get('/openapi.json', { schema: { hide: true } }, async () =>
      (app as unknown as { swagger(): object }).swagger(),
    )
    app.get(
      '/model',
      { schema: { response: { 200: z.looseObject({ kind: z.string() }), ...PROBLEMS } } },
      async () => ({
        kind,
        resolution: network.resolution,
        channels: network.channels,
        sampling,
        guidance: network.embedding.guidance_embedding || (kind === 'teacher' && vocabulary.kind !== 'none'),
        vocabulary,
      }),
    )

    app.post(
      '/generate',
      {
        schema: {
          description:
            'Paints: new pictures, an image again (image), a part of it (mask), or the way between two (to). Answers with a picture, or with JSON. A request has 64 kB at most.',
          body: generateRequest,
          response: {
            200: generateAnswer.describe(
              'With format json; else the picture itself, as image/png or image/webp.',
            ),
            ...PROBLEMS,
          },
        },
      },
      async ({ body }, reply) => {
        const begin = performance.now()
        const { scale, format } = body
        checkPixels(body, network.resolution)
        const signal = signalOf(reply, service)
        const { seeds, painted } = await paint(service, body, { signal, scale })
        reply.header('x-seed', seeds.join(','))
        if (format === 'json') {
          const texts = await encoder.each(painted, signal)
          const side = network.resolution * scale
          const images = texts.map((b64, i) => ({ seed: seeds[i]!, b64 }))
          return { images, width: side, height: side, milliseconds: performance.now() - begin }
        }
        // Bytes go past the schema, which is for JSON.
        return reply.type(`image/${format}`).send((await encoder.one(painted, format, signal)) as never)
      },
    )

    app.post(
      '/v1/images/generations',
      {
        schema: {
          description: 'Paints, as OpenAI’s images API is asked and answers.',
          body: openaiRequest,
          response: { 200: openaiAnswer, ...PROBLEMS },
        },
      },
      async ({ body }, reply) => {
        const { prompt, n, size, response_format, seed } = body
        const scale = scaleFor(size ?? 'auto', network.resolution)
        checkPixels({ n: n ?? 1, scale }, network.resolution)
        const signal = signalOf(reply, service)
        const asked = { prompt, n: n ?? 1, ...(typeof seed === 'number' && { seed }) }
        const { painted } = await paint(service, asked, { signal, scale })
        const texts = await encoder.each(painted, signal)
        const data = texts.map((text) =>
          response_format === 'url' ? { url: `data:image/png;base64,${text}` } : { b64_json: text },
        )
        return { created: Math.floor(Date.now() / 1000), data }
      },
    )

    app.route({
      method: 'GET',
      url: '/live',
      schema: { hide: true },
      handler: (_, reply) =>
        reply
          .code(426)
          .headers({ connection: 'upgrade', upgrade: 'websocket' })
          .send(problemBody('upgrade_required', '/live is a socket: open it with new WebSocket(url)')),
      wsHandler(socket) {
        const { timeout, onFailure } = service.options
        const finished = serveLive(socket, {
          timeout,
          async paint({ id: _, ...body }, signal) {
            const { painted } = await paint(service, { ...body, n: 1 }, { signal, scale: 1 })
            return encoder.one(painted, 'png', signal)
          },
          ...(onFailure && { onFailure }),
        })
        service.live.add(finished)
        socket.once('close', () => service.live.delete(finished))
      },
    })
  }

/** @param how the enlargement is for the encoder. @throws Busy also where too many answers wait to be encoded. */
const paint = async (
  { pipeline, scheduler, encoder, options }: Service,
  body: Parameters<typeof orderOf>[1],
  { signal, scale }: { readonly signal: AbortSignal; readonly scale: number },
): Promise<{ seeds: readonly number[]; painted: Painted }> => {
  const order = await orderOf(pipeline, body)
  if (encoder.waiting >= options.queue) throw new Busy('too many pictures are waiting')
  const { channels, resolution } = pipeline.config.network
  const size = { channels: channels as 1 | 3, height: resolution, width: resolution }
  const data = await scheduler.paint({ ...order, signal })
  return { seeds: order.seeds, painted: { ...size, data, count: order.seeds.length, scale } }
}

/** The status that proxies write down for what nobody waited for. Not sent. */
const CLIENT_GONE = 499

/** Aborted when the client has gone, which fastify counts nowhere, or when it took too long. */
const signalOf = (reply: FastifyReply, { options, metrics }: Service): AbortSignal => {
  const { signal, abort, met } = deadline(options.timeout)
  const { raw, request } = reply
  raw.once('close', () => {
    met()
    if (!raw.writableEnded) abort()
    if (!raw.writableFinished)
      metrics.onResponse(request.routeOptions.url!, CLIENT_GONE, reply.elapsedTime / 1000)
  })
  return signal
}

/** The largest whole factor by which pictures fit into a size. @throws UserError if they do not, or if it is no square. */
const scaleFor = (size: string, resolution: number): number => {
  if (size === 'auto') return 1
  const [width, height] = size.split('x').map(Number)
  if (width !== height || width! < resolution)
    throw new UserError(`size must be a square of ${resolution} pixels or more, not ${size}`)
  return Math.min(64, Math.floor(width! / resolution))
}
