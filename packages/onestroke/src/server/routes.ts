/** What can be asked. */
import { scaledBy, storedSize } from '@onestroke/core/picture'
import { shapeOf, takesGuidance } from '@onestroke/core/pipeline'
import { z } from 'zod'
import { checkPixels } from './answers.js'
import { automatic1111Routes } from './automatic1111.js'
import { serveLive } from './live.js'
import { openaiRoutes } from './openai.js'
import { page } from './page.js'
import { paint, signalOf, tellWarnings, warningsOf } from './paint.js'
import { problemBody } from './problems.js'
import { generateAnswer, generateRequest, PICTURES_LIMIT, PROBLEMS } from './schemas.js'
import type { App, Service } from './service.js'

/** For routes that need no token. */
const OPEN = { security: [] }

export const routes =
  (service: Service) =>
  async (server: unknown): Promise<void> => {
    const app = server as App
    const { model, scheduler, encoder, metrics } = service
    const { kind, vocabulary, sampling } = model.config
    const shape = shapeOf(model.config)

    app.get(
      '/health',
      {
        schema: {
          operationId: 'health',
          summary: 'Whether the server lives.',
          tags: ['Server'],
          ...OPEN,
          response: { 200: z.object({ status: z.literal('ok') }), ...PROBLEMS },
        },
      },
      async () => ({
        status: 'ok' as const,
      }),
    )
    const ready = z.object({ status: z.literal('ready') })
    app.get(
      '/ready',
      {
        schema: {
          operationId: 'ready',
          summary: 'Whether the server takes requests.',
          tags: ['Server'],
          ...OPEN,
          response: { 200: ready, ...PROBLEMS },
        },
      },
      async (_, reply) =>
        scheduler.closing
          ? reply.code(503).send(problemBody('closing', 'the server is closing'))
          : { status: 'ready' as const },
    )
    app.get(
      '/metrics',
      {
        schema: {
          operationId: 'metrics',
          summary: 'Numbers for Prometheus.',
          tags: ['Server'],
          response: { 200: z.string(), ...PROBLEMS },
        },
      },
      async (_, reply) => reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
    )
    app.get('/', { schema: { hide: true } }, async (request, reply) =>
      reply
        .header(
          'content-security-policy',
          "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'",
        )
        .type('text/html; charset=utf-8')
        .send(page(service, request)),
    )
    app.get('/openapi.json', { schema: { hide: true } }, async () =>
      (app as unknown as { swagger(): object }).swagger(),
    )
    app.get(
      '/model',
      {
        schema: {
          operationId: 'describeModel',
          summary: 'What the model can do.',
          tags: ['Paint'],
          response: { 200: z.looseObject({ kind: z.string() }), ...PROBLEMS },
        },
      },
      async () => ({
        kind,
        resolution: storedSize(shape),
        channels: shape.channels,
        sampling,
        guidance: takesGuidance(model.config),
        vocabulary,
      }),
    )

    app.post(
      '/generate',
      {
        bodyLimit: PICTURES_LIMIT,
        schema: {
          operationId: 'generate',
          summary:
            'Paint: new pictures, an image again (image), a part of it (mask), or the way between two (to).',
          tags: ['Paint'],
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
        const { height, width } = scaledBy(shape, scale)
        checkPixels(body.n, { height, width })
        const signal = signalOf(reply, service)
        const { seeds, painted } = await paint(service, body, { signal, scale })
        reply.header('x-seed', seeds.join(','))
        const to_seed = body.to?.seed
        if (to_seed !== undefined) reply.header('x-to-seed', to_seed)
        const warnings = warningsOf(model, body)
        tellWarnings(reply, warnings)
        if (format === 'json') {
          const texts = await encoder.each(painted, signal)
          const images = texts.map((b64, i) => ({ seed: seeds[i]!, b64 }))
          return {
            images,
            to_seed,
            width,
            height,
            milliseconds: performance.now() - begin,
            ...(warnings.length > 0 && { warnings }),
          }
        }
        // Bytes go past the schema, which is for JSON.
        return reply.type(`image/${format}`).send((await encoder.one(painted, { format }, signal)) as never)
      },
    )

    await app.register(openaiRoutes(service))
    await app.register(automatic1111Routes(service))

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
            const png = await encoder.one(painted, { format: 'png' }, signal)
            return { png, warnings: warningsOf(model, body) }
          },
          onFailure,
        })
        service.live.add(finished)
        socket.once('close', () => service.live.delete(finished))
      },
    })
  }
