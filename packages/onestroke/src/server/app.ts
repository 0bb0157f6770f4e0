/** The HTTP server: who may ask, what they may ask, and how it ends. */
import type { Socket } from 'node:net'
import swagger from '@fastify/swagger'
import websocket from '@fastify/websocket'
import { Pipeline } from '@onestroke/core/pipeline'
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { Encoder } from './answers.js'
import { bearsToken, checkGuard, type GuardOptions, isAllowedOrigin, isOwnHost } from './guard.js'
import { type Metrics, serverMetrics } from './metrics.js'
import { openapi } from './openapi.js'
import { openPainter } from './painter.js'
import { FAILURE, problemBody, problemOf } from './problems.js'
import { routes } from './routes.js'
import { Scheduler } from './scheduler.js'

export interface ServerOptions extends GuardOptions {
  readonly port: number
  /** Most pictures in one run of the graph. */
  readonly batch: number
  /** Most pictures that wait. */
  readonly queue: number
  /** Threads of the graph; 0 for all cores. */
  readonly threads: number
  /** Seconds after which a request is given up. */
  readonly timeout: number
  /** Told of what clients only hear to be wrong (status 500). */
  onFailure?(error: Error): void
}

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

/** Requests are prompts, and pictures of the size that models paint. */
const BODY_LIMIT = 64 * 1024
/** Milliseconds for the headers, for the whole of a request, and of silence. */
const [HEADERS_TIMEOUT, REQUEST_TIMEOUT, IDLE_TIMEOUT] = [5_000, 10_000, 60_000]
const MOST_CONNECTIONS = 2048
/** Enlarged answers that are encoded at once. */
const ENCODED_AT_ONCE = 2
/** Milliseconds in which clients may fetch their last answers when the server closes. */
const LAST_WORDS = 5_000

export type App = FastifyInstance<
  import('node:http').Server,
  import('node:http').IncomingMessage,
  import('node:http').ServerResponse,
  import('fastify').FastifyBaseLogger,
  ZodTypeProvider
>

/** What the routes work with. */
export interface Service {
  readonly scheduler: Scheduler
  /** Knows what the model can do; paints nothing itself. */
  readonly pipeline: Pipeline
  readonly encoder: Encoder
  readonly metrics: Metrics
  /** For each live socket, what waits until what it accepted is sent. */
  readonly live: Set<() => Promise<void>>
  readonly options: ServerOptions
}

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
  const scheduler = new Scheduler(painter, { ...options, onRun: metrics.onRun })
  metrics.watch(scheduler)
  const pipeline = new Pipeline(painter.config, {
    executable: () => Promise.reject(new Error('the server paints in its worker')),
    release: async () => {},
  })
  const encoder = new Encoder(ENCODED_AT_ONCE)
  const service: Service = { scheduler, pipeline, encoder, metrics, live: new Set(), options }
  const app = Fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT,
    // A client that waits for its answer is silent, too.
    connectionTimeout: Math.max(IDLE_TIMEOUT, 1000 * options.timeout + LAST_WORDS),
    http: { headersTimeout: HEADERS_TIMEOUT, connectionsCheckingInterval: 1_000 },
    // While it closes, routes answer as always, and refuse what they would have to paint.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // What was accepted may take longer to finish than a plugin to start.
    pluginTimeout: 0,
    frameworkErrors: answerError(options),
  }).withTypeProvider<ZodTypeProvider>()
  app.server.maxConnections = MOST_CONNECTIONS
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(answerError(options))
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send(
        problemBody(
          'not_found',
          `there is no ${request.method} ${request.url.split('?')[0]}; see /openapi.json`,
        ),
      ),
  )
  const sockets = new Set<Socket>()
  app.server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  // Before the guard: only so are the sockets of refused upgrades closed.
  await app.register(websocket, {
    options: { maxPayload: BODY_LIMIT },
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
  app.addHook('onResponse', async (request, reply) =>
    metrics.onResponse(request.routeOptions.url ?? 'none', reply.statusCode, reply.elapsedTime / 1000),
  )
  await app.register(swagger, openapi({ version: metrics.version, bearer: options.token !== undefined }))
  await app.register(routes(service))
  return { app, service }
}

/** Routes that anyone on the machine may ask: whether the server lives. */
const OPEN = new Set(['/health', '/ready'])

const guard = (app: App, options: ServerOptions): void => {
  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    const { host, origin } = request.headers
    if (!isOwnHost(host, options))
      return reply
        .code(421)
        .send(
          problemBody(
            'wrong_host',
            `this server is not called ${host ?? 'nothing'}; name it with --allowed-host`,
          ),
        )
    if (!isAllowedOrigin(origin, host, options))
      return reply
        .code(403)
        .send(problemBody('wrong_origin', `pages of ${origin} may not ask; name it with --cors`))
    if (origin !== undefined && options.cors.length > 0) {
      reply
        .header('access-control-allow-origin', options.cors.includes('*') ? '*' : origin)
        .header('vary', 'Origin, Access-Control-Request-Headers')
        .header('access-control-expose-headers', 'x-seed, retry-after')
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

const answerError =
  ({ onFailure }: Pick<ServerOptions, 'onFailure'>) =>
  (error: FastifyError, _: FastifyRequest, reply: FastifyReply) => {
    const { status, type, message, again } = problemOf(error)
    if (type === FAILURE) onFailure?.(error)
    if (again) reply.header('retry-after', '1')
    return reply.code(status).send(problemBody(type, message))
  }
