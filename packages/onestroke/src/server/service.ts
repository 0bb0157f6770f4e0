/** What the server's parts share: its options, and what routes work with. */
import type { Conditioner } from '@onestroke/core/text'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { OpenedConfig } from '../export/index.js'
import type { Encoder } from './answers.js'
import type { GuardOptions } from './guard.js'
import type { Metrics } from './metrics.js'
import type { Scheduler } from './scheduler.js'

export interface ServerOptions extends GuardOptions {
  readonly port: number
  /** Most pictures in one run of the graph. */
  readonly batch: number
  /** Most pictures that wait. */
  readonly queue: number
  /** Threads of the graph; 0 for all cores. */
  readonly threads: number
  /** Seconds after which a request is aborted. */
  readonly timeout: number
  /** Called with internal errors, of which clients get only a generic message (status 500). */
  onFailure?(error: Error): void
}

export type App = FastifyInstance<
  import('node:http').Server,
  import('node:http').IncomingMessage,
  import('node:http').ServerResponse,
  import('fastify').FastifyBaseLogger,
  ZodTypeProvider
>

/** The model's description. The model itself is in the painter's thread. */
export interface ServedModel {
  /** The name of its folder. */
  readonly name: string
  /** When it was made, in seconds since 1970. */
  readonly created: number
  readonly config: OpenedConfig
  readonly conditioner: Conditioner
}

/** What the routes work with. */
export interface Service {
  readonly scheduler: Scheduler
  readonly encoder: Encoder
  readonly metrics: Metrics
  /** For each live socket, a promise that resolves when its accepted requests are answered. */
  readonly live: Set<() => Promise<void>>
  readonly model: ServedModel
  readonly options: ServerOptions
}
