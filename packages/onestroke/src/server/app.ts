/** The HTTP server: who may ask, what they may ask, and how it ends. */
import type { Socket } from 'node:net'
import swagger from '@fastify/swagger'
import websocket from '@fastify/websocket'
import { UserError } from '@onestroke/core/formats'
import { Pipeline } from '@onestroke/core/pipeline'
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { bearsToken, checkGuard, type GuardOptions, isAllowedOrigin, isOwnHost } from './guard.js'
import { type Metrics, serverMetrics } from './metrics.js'
import { openapi } from './openapi.js'
import { openPainter } from './painter.js'
import { routes } from './routes.js'
import { Busy, Closing, Scheduler } from './scheduler.js'

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
  ...{ host: '127.0.0.1', port: 8080, batch: 32, queue: 256, threads: 0, timeout: 30 },
  ...{ cors: [], allowedHosts: [] },
}

/** Requests are prompts, and pictures of the size that models paint. */
const BODY_LIMIT = 64 * 1024
/** Milliseconds for the headers, for the whole of a request, and of silence. */
const [HEADERS_TIMEOUT, REQUEST_TIMEOUT, IDLE_TIMEOUT] = [5_000, 10_000, 60_000]
const MOST_CONNECTIONS = 2048
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
  readonly metrics: Metrics
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
  const service: Service = { scheduler, pipeline, metrics, options }
  const app = Fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT,
    // A client that waits for its answer is silent, too.
    connectionTimeout: Math.max(IDLE_TIMEOUT, 1000 * options.timeout + LAST_WORDS),
    http: { headersTimeout: HEADERS_TIMEOUT, connectionsCheckingInterval: 1_000 },
    // New connections during the shutdown are answered with 503, as are requests.
    return503OnClosing: true,
    forceCloseConnections: 'idle',
  }).withTypeProvider<ZodTypeProvider>()
  app.server.maxConnections = MOST_CONNECTIONS
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(answerError(options))
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send(
        problemOf(
          'not_found',
          `there is no ${request.method} ${request.url.split('?')[0]}; see /openapi.json`,
        ),
      ),
  )
  // Before the guard: only so are the sockets of refused upgrades closed.
  await app.register(websocket, { options: { maxPayload: BODY_LIMIT } })
  guard(app, options)
  app.addHook('onResponse', async (request, reply) =>
    metrics.onResponse(request.routeOptions.url ?? 'none', reply.statusCode, reply.elapsedTime / 1000),
  )
  const sockets = new Set<Socket>()
  app.server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  app.addHook('preClose', async () => {
    await scheduler.close()
    setTimeout(() => {
      for (const socket of sockets) socket.destroy()
    }, LAST_WORDS)
  })
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
          problemOf(
            'wrong_host',
            `this server is not called ${host ?? 'nothing'}; name it with --allowed-host`,
          ),
        )
    if (!isAllowedOrigin(origin, host, options))
      return reply
        .code(403)
        .send(problemOf('wrong_origin', `pages of ${origin} may not ask; name it with --cors`))
    if (origin !== undefined && options.cors.length > 0) {
      reply
        .header('access-control-allow-origin', options.cors.includes('*') ? '*' : origin)
        .header('vary', 'Origin')
      if (request.method === 'OPTIONS')
        return reply
          .header('access-control-allow-methods', 'GET, POST')
          .header('access-control-allow-headers', 'authorization, content-type')
          .header('access-control-max-age', '600')
          .code(204)
          .send()
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
        .send(problemOf('unauthorized', 'send the token as Authorization: Bearer TOKEN'))
  })
}

export const problemOf = (type: string, message: string) => ({ error: { type, message } })

const answerError =
  ({ onFailure }: Pick<ServerOptions, 'onFailure'>) =>
  (error: FastifyError, _: FastifyRequest, reply: FastifyReply) => {
    if (error instanceof Busy)
      return reply.code(429).header('retry-after', '1').send(problemOf('busy', error.message))
    if (error instanceof Closing) return reply.code(503).send(problemOf('closing', error.message))
    if (error.name === 'TimeoutError')
      return reply
        .code(503)
        .header('retry-after', '1')
        .send(problemOf('timeout', 'the request took too long'))
    if (error instanceof UserError || (error instanceof RangeError && error.statusCode === undefined))
      return reply.code(400).send(problemOf('invalid_request_error', error.message))
    const status = error.statusCode ?? 500
    if (status < 500) return reply.code(status).send(problemOf('invalid_request_error', error.message))
    onFailure?.(error)
    return reply.code(status).send(problemOf('server_error', 'something went wrong'))
  }
