export { type App, createServer, SERVER_DEFAULTS, type ServerOptions, type Service } from './app.js'
export { isAllowedOrigin, isOwnHost } from './guard.js'
