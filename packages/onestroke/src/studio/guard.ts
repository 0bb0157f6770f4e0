/** Who may open the studio: only this machine, or, on a network, everybody with the token. The link brings the token, a cookie keeps it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  bearsToken,
  type GuardOptions,
  isAllowedOrigin,
  isLoopback,
  isOwnHost,
  isToken,
} from '../server/index.js'

export type StudioGuard = Pick<GuardOptions, 'host' | 'allowedHosts' | 'token'>

/** Seconds that a browser keeps the token. */
const KEPT = 30 * 24 * 3600

/** Refuses requests with another host name, from pages of other origins, and without the token if there is one. */
export const guardStudio = (app: FastifyInstance, options: StudioGuard): void => {
  app.addHook('onRequest', async (request, reply) => {
    const { host, origin } = request.headers
    if (!isOwnHost(host, options))
      return refuse(
        request,
        reply,
        403,
        isLoopback(options.host)
          ? `This studio is for this machine alone, and not called ${host}. Start it for a network, or with this name as an allowed host.`
          : `This studio is not called ${host}. Start it with this name as an allowed host.`,
      )
    if (!isAllowedOrigin(origin, host, { cors: [] }))
      return refuse(request, reply, 403, `Pages of ${origin} may not read this studio.`)
    const { token } = options
    if (token === undefined) return
    // Browsers send a cookie to all ports of a machine, so its name has the port.
    const cookie = `onestroke-${request.socket.localPort}`
    const { token: given } = request.query as { token?: unknown }
    if (typeof given === 'string' && isToken(given, token))
      // The address without the token is what is seen, shared and kept in the history.
      return reply
        .header(
          'set-cookie',
          `${cookie}=${encodeURIComponent(token)}; Path=/; Max-Age=${KEPT}; HttpOnly; SameSite=Lax`,
        )
        .redirect('./', 303)
    if (isToken(cookieOf(request, cookie), token) || bearsToken(request.headers, token)) return
    reply.header('www-authenticate', 'Bearer')
    return refuse(
      request,
      reply,
      401,
      given === undefined
        ? 'This studio opens with its link: the address that onestroke studio printed, with the token in it.'
        : 'This token is not the studio’s. A studio that is started again has another, unless ONESTROKE_TOKEN says which.',
    )
  })
}

const cookieOf = ({ headers }: FastifyRequest, name: string): string => {
  const pairs = (headers.cookie ?? '').split(/;\s*/)
  const found = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? ''
  try {
    return decodeURIComponent(found)
  } catch {
    return ''
  }
}

/** A browser gets a page, a program JSON. */
const refuse = (request: FastifyRequest, reply: FastifyReply, status: 401 | 403, text: string) => {
  reply.code(status)
  if (!request.headers.accept?.includes('text/html')) return reply.send({ error: text })
  return reply
    .header(
      'content-security-policy',
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    )
    .type('text/html; charset=utf-8')
    .send(page(text, status === 401))
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)

const page = (text: string, asksToken: boolean): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>onestroke studio</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1.25rem }
input, button { font: inherit; padding: .6rem .75rem; border: 1px solid #8888; border-radius: .5rem; width: 100%; box-sizing: border-box; margin-top: .5rem }
</style>
<h1>onestroke studio</h1>
<p>${escaped(text)}</p>
${
  asksToken
    ? '<form><label for="token">Token</label><input id="token" name="token" required autocomplete="off" autocapitalize="none" spellcheck="false"><button>Open</button></form>'
    : ''
}
</html>
`
