/** The HTTP server: who may ask, what they may ask, and how it ends. */
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import swagger from '@fastify/swagger'
import websocket from '@fastify/websocket'
import { UserError } from '@onestroke/core/errors'
import { conditionerOf } from '@onestroke/core/text'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { Encoder } from './answers.js'
import { limitBodies } from './bodies.js'
import { limitConnections } from './connections.js'
import { bearsToken, checkGuard, isAllowedOrigin, isOwnHost } from './guard.js'
import { serverMetrics } from './metrics.js'
import { openapi } from './openapi.js'
import { openPainter } from './painter.js'
import { problemBody } from './problems.js'
import { answerError, refuseUnknown, refuseUnreadable, takeJson, whatIsWrong } from './refusals.js'
import { routes } from './routes.js'
import { Scheduler } from './scheduler.js'
import type { App, ServedModel, ServerOptions, Service } from './service.js'

export const SERVER_DEFAULTS: ServerOptions = {
  host: '127.0.0.1',
  port: 8080,
  batch: 32,
  queue: 256,
  threads: 0,
  timeout: 30,
  cors: [],
  allowedHosts: [],
}

/** Bytes of a request without a picture: prompts of 32,000 characters, each of six bytes in JSON at most. */
const BODY_LIMIT = 512 * 1024
/** Bytes of a message on a socket: prompts, and pictures of a size that is painted live. */
const MESSAGE_LIMIT = 4 * 2 ** 20
/** Milliseconds for the headers, for a whole request with its pictures, and between two checks for late requests. */
const [HEADERS_TIMEOUT, REQUEST_TIMEOUT, LATE_CHECK] = [5_000, 60_000, 1_000]
/** Milliseconds after which a silent connection is closed. Longer than a request may take: a late request gets an answer, a silent client gets none. */
const IDLE_TIMEOUT = REQUEST_TIMEOUT + 10 * LATE_CHECK
/** Enlarged answers that are encoded at once. */
const ENCODED_AT_ONCE = 2
/** Milliseconds that a closing server leaves clients to fetch their last answers. */
const LAST_WORDS = 5_000

/**
 * Loads a model and makes its server, which does not listen yet. `app.close()` finishes what was accepted.
 *
 * @throws UserError if the model cannot be loaded, or if the server would be open to a network without a token.
 */
export const createServer = async (
  path: string,
  given: Partial<ServerOptions> = {},
): Promise<{ app: App; service: Service }> => {
  const options = { ...SERVER_DEFAULTS, ...given }
  checkGuard(options)
  const painter = await openPainter(path, { threads: options.threads })
  const metrics = serverMetrics()
  const scheduler = new Scheduler(painter, {
    ...options,
    onRun: metrics.onRun,
    onNotFinite: metrics.onNotFinite,
  })
  metrics.watch(scheduler)
  const encoder = new Encoder(ENCODED_AT_ONCE)
  const { mtimeMs } = await stat(path)
  const model: ServedModel = {
    name: basename(resolve(path)),
    created: Math.floor(mtimeMs / 1000),
    config: painter.config,
    conditioner: conditionerOf(painter.config.vocabulary),
  }
  const service: Service = { scheduler, encoder, metrics, live: new Set(), model, options }
  const app = Fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT,
    // A client that waits for its answer is silent, too.
    connectionTimeout: Math.max(IDLE_TIMEOUT, 1000 * options.timeout + LAST_WORDS),
    http: {
      headersTimeout: HEADERS_TIMEOUT,
      connectionsCheckingInterval: LATE_CHECK,
      // The guard refuses requests without a host, in words.
      requireHostHeader: false,
    },
    // A closing server still answers its routes; only what must be painted is refused.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // Accepted requests may take longer to finish than fastify's limit for a plugin to start.
    pluginTimeout: 0,
    frameworkErrors: answerError(options),
    clientErrorHandler: refuseUnreadable,
    schemaErrorFormatter: (errors) => new UserError(whatIsWrong(errors)),
  }).withTypeProvider<ZodTypeProvider>()
  app.removeContentTypeParser('text/plain')
  takeJson(app)
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(answerError(options))
  refuseUnknown(app)
  const sockets = limitConnections(app.server)
  // Before the guard: only so are the sockets of refused upgrades closed.
  await app.register(websocket, {
    options: { maxPayload: MESSAGE_LIMIT },
    async preClose(this: FastifyInstance) {
      await scheduler.close()
      setTimeout(() => {
        for (const socket of sockets) socket.destroy()
      }, LAST_WORDS).unref()
      await Promise.all([...service.live].map((finished) => finished()))
      for (const client of this.websocketServer.clients) client.close(1001, 'the server is closing')
      this.websocketServer.close()
    },
  })
  guard(app, options)
  limitBodies(app)
  app.addHook('onResponse', async (request, reply) =>
    metrics.onResponse(request.routeOptions.url ?? 'none', reply.statusCode, reply.elapsedTime / 1000),
  )
  await app.register(swagger, openapi({ version: metrics.version, bearer: options.token !== undefined }))
  await app.register(routes(service))
  return { app, service }
}

/** Routes that need no token: the page, the OpenAPI document and the health checks. */
const OPEN = new Set(['/', '/openapi.json', '/health', '/ready'])

const guard = (app: App, options: ServerOptions): void => {
  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    const { host, origin } = request.headers
    if (!isOwnHost(host, options))
      return reply
        .code(421)
        .send(
          problemBody(
            'wrong_host',
            host
              ? `this server is not called ${host}; send a name that it has, or let it be started with this one as an allowed host`
              : 'the request does not say whom it is for; send the header Host',
          ),
        )
    if (!isAllowedOrigin(origin, host, options))
      return reply
        .code(403)
        .send(
          problemBody(
            'wrong_origin',
            `pages of ${origin} may not ask; the server must be started with this origin as one that may (CORS)`,
          ),
        )
    if (origin !== undefined && options.cors.length > 0) {
      reply
        .header('access-control-allow-origin', options.cors.includes('*') ? '*' : origin)
        .header('vary', 'Origin, Access-Control-Request-Headers')
        .header('access-control-expose-headers', 'x-seed, x-to-seed, x-warnings, retry-after')
      if (request.method === 'OPTIONS')
        return (
          reply
            .header('access-control-allow-methods', 'GET, POST')
            // Clients send headers of their own, as OpenAI's does with x-stainless-os. A page that may ask may send any.
            .header(
              'access-control-allow-headers',
              request.headers['access-control-request-headers'] ?? 'authorization, content-type',
            )
            .header('access-control-max-age', '600')
            .code(204)
            .send()
        )
    }
    const { token } = options
    if (
      token !== undefined &&
      !OPEN.has(request.routeOptions.url ?? '') &&
      !bearsToken(request.headers, token)
    )
      return reply
        .header('www-authenticate', 'Bearer')
        .code(401)
        .send(problemBody('unauthorized', 'send the token as Authorization: Bearer TOKEN'))
  })
}
