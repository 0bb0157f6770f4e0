export { type App, createServer, SERVER_DEFAULTS, type ServerOptions, type Service } from './app.js'
export {
  bearsToken,
  checkGuard,
  type GuardOptions,
  isAllowedOrigin,
  isLoopback,
  isOwnHost,
  isToken,
} from './guard.js'
