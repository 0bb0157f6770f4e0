/** What can be asked. */
import { UserError } from '@onestroke/core/formats'
import type { FastifyReply } from 'fastify'
import sharp from 'sharp'
import { z } from 'zod'
import { pngGrid, pngOf } from '../formats/index.js'
import { type App, problemOf, type Service } from './app.js'
import { serveLive } from './live.js'
import { orderOf } from './order.js'
import {
  generateAnswer,
  generateRequest,
  type LiveMessage,
  openaiAnswer,
  openaiRequest,
  problem,
} from './schemas.js'

const PROBLEMS = {
  400: problem,
  401: problem,
  403: problem,
  413: problem,
  421: problem,
  429: problem,
  503: problem,
}

export const routes =
  (service: Service) =>
  async (server: unknown): Promise<void> => {
    const app = server as App
    const { pipeline, scheduler, metrics } = service
    const { kind, network, vocabulary, sampling } = pipeline.config

    app.get(
      '/health',
      { schema: { response: { 200: z.object({ status: z.literal('ok') }) } } },
      async () => ({
        status: 'ok' as const,
      }),
    )
    const ready = z.object({ status: z.literal('ready') })
    app.get('/ready', { schema: { response: { 200: ready, 503: problem } } }, async (_, reply) =>
      scheduler.closing
        ? reply.code(503).send(problemOf('closing', 'the server is closing'))
        : { status: 'ready' as const },
    )
    app.get('/metrics', { schema: { response: { 200: z.string() } } }, async (_, reply) =>
      reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
    )
    app.get('/openapi.json', { schema: { hide: true } }, async () =>
      (app as unknown as { swagger(): object }).swagger(),
    )
    app.get(
      '/model',
      { schema: { response: { 200: z.looseObject({ kind: z.string() }), ...PROBLEMS } } },
      async () => ({
        ...{ kind, resolution: network.resolution, channels: network.channels, sampling },
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
        checkPixels(body, network.resolution)
        const { seeds, data } = await paint(service, body, signalOf(reply, service.options.timeout))
        const { resolution, channels } = network
        const shape = { channels: channels as 1 | 3, height: resolution, width: resolution }
        const { scale, format } = body
        reply.header('x-seed', seeds.join(','))
        if (format === 'json') {
          const size = data.length / seeds.length
          const images = await Promise.all(
            seeds.map(async (seed, i) => {
              const picture = { ...shape, data: data.subarray(i * size, (i + 1) * size) }
              return { seed, b64: (await pngOf(picture, { scale })).toString('base64') }
            }),
          )
          const side = resolution * scale
          return { images, width: side, height: side, milliseconds: performance.now() - begin }
        }
        const png =
          seeds.length === 1
            ? await pngOf({ ...shape, data }, { scale })
            : await pngGrid({ ...shape, data, count: seeds.length }, { scale })
        const bytes = format === 'webp' ? await sharp(png).webp({ lossless: true }).toBuffer() : png
        // Bytes go past the schema, which is for JSON.
        return reply.type(`image/${format}`).send(bytes as never)
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
        const { seeds, data } = await paint(
          service,
          { prompt, n: n ?? 1, ...(typeof seed === 'number' && { seed }) },
          signalOf(reply, service.options.timeout),
        )
        const one = data.length / seeds.length
        const images = await Promise.all(
          seeds.map(async (_, i) => {
            const picture = {
              channels: network.channels as 1 | 3,
              height: network.resolution,
              width: network.resolution,
            }
            const png = await pngOf({ ...picture, data: data.subarray(i * one, (i + 1) * one) }, { scale })
            const text = png.toString('base64')
            return response_format === 'url' ? { url: `data:image/png;base64,${text}` } : { b64_json: text }
          }),
        )
        return { created: Math.floor(Date.now() / 1000), data: images }
      },
    )

    app.get('/live', { websocket: true, schema: { hide: true } }, (socket) =>
      serveLive(socket, {
        async paint(message: LiveMessage, signal) {
          const { id: _, ...body } = message
          const { data } = await paint(service, { ...body, n: 1 }, signal)
          const { channels, resolution } = network
          return pngOf({ data, channels: channels as 1 | 3, height: resolution, width: resolution })
        },
      }),
    )
  }

/** Pixels of an answer at most. */
const MOST_PIXELS = 2 ** 24

/** @throws UserError if the answer would have more than 16 megapixels. */
const checkPixels = ({ n, scale }: { n: number; scale: number }, resolution: number): void => {
  const pixels = n * (resolution * scale) ** 2
  if (pixels > MOST_PIXELS)
    throw new UserError(
      `${n} × ${resolution * scale} × ${resolution * scale} pixels are ${Math.round(pixels / 2 ** 20)} megapixels, and an answer has at most ${MOST_PIXELS / 2 ** 20}`,
    )
}

const paint = async (
  { pipeline, scheduler }: Pick<Service, 'pipeline' | 'scheduler'>,
  body: Parameters<typeof orderOf>[1],
  signal: AbortSignal,
) => {
  const order = await orderOf(pipeline, body)
  return { seeds: order.seeds, data: await scheduler.paint({ ...order, signal }) }
}

/**
 * Aborted when the client has gone, or when it took too long. (Node 20 may collect what `AbortSignal.any` and
 * `AbortSignal.timeout` make as garbage before its time has come.)
 */
const signalOf = (reply: FastifyReply, seconds: number): AbortSignal => {
  const controller = new AbortController()
  const late = () => controller.abort(new DOMException('the request took too long', 'TimeoutError'))
  const timer = setTimeout(late, seconds * 1000).unref()
  reply.raw.once('close', () => {
    clearTimeout(timer)
    if (!reply.raw.writableEnded) controller.abort()
  })
  return controller.signal
}

/** The largest whole factor by which pictures fit into a size. @throws UserError if they do not, or if it is no square. */
const scaleFor = (size: string, resolution: number): number => {
  if (size === 'auto') return 1
  const [width, height] = size.split('x').map(Number)
  if (width !== height || width! < resolution)
    throw new UserError(`size must be a square of ${resolution} pixels or more, not ${size}`)
  return Math.min(64, Math.floor(width! / resolution))
}
