export { createServer, SERVER_DEFAULTS } from './app.js'
export {
  bearsToken,
  checkGuard,
  type GuardOptions,
  isAllowedOrigin,
  isLoopback,
  isOwnHost,
  isToken,
} from './guard.js'
export type { ServerOptions } from './service.js'
