/** Who may ask: bearer token, Host and Origin. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import { UserError } from '@onestroke/core/errors'

export interface GuardOptions {
  /** Address that the server listens at. */
  readonly host: string
  /** What clients must send as `Authorization: Bearer TOKEN`. */
  readonly token?: string
  /** Origins whose pages may ask; none by default, `*` for all. */
  readonly cors: readonly string[]
  /** Further names by which the server may be called. */
  readonly allowedHosts: readonly string[]
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1'])
export const isLoopback = (host: string): boolean => LOOPBACK.has(host)

/** @throws UserError if the server would be open to a network without a token, and for origins that no page can have. */
export const checkGuard = ({ host, token, cors }: GuardOptions): void => {
  for (const origin of cors)
    if (origin !== '*' && originOf(origin) !== origin)
      throw new UserError(`no page has the origin ${origin}`, {
        option: 'cors',
        remedy: `an origin is like ${originOf(origin) ?? 'https://shop.example'}, without a path`,
      })
  if (!isLoopback(host) && !token)
    throw new UserError(`listening at ${host} opens the server to others, and there is no token`, {
      option: 'host',
      remedy: 'set ONESTROKE_TOKEN, or listen at 127.0.0.1',
    })
  if (token !== undefined && token.length < 16)
    throw new UserError(`the token has ${token.length} characters, which can be guessed`, {
      option: 'token',
      remedy: 'take 16 or more',
    })
}

const originOf = (text: string): string | undefined => (URL.canParse(text) ? new URL(text).origin : undefined)

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Whether this is the token. The comparison takes the same time for every wrong token. */
export const isToken = (given: string, token: string): boolean =>
  timingSafeEqual(digest(given), digest(token))

/**
 * Whether a request bears the token: as `Authorization: Bearer TOKEN` or, since browsers cannot set headers on WebSockets,
 * as one of the socket's protocols, `bearer.TOKEN`.
 */
export const bearsToken = (
  { authorization, 'sec-websocket-protocol': protocols }: IncomingHttpHeaders,
  token: string,
): boolean => {
  const given =
    /^Bearer (.+)$/i.exec(authorization ?? '') ?? /(?:^|,)\s*bearer\.([^,\s]+)/.exec(protocols ?? '')
  return isToken(given?.[1] ?? '', token)
}

/**
 * Whether a Host header names this server. A page of another origin can make its own name point at a loopback address
 * (DNS rebinding); the header tells.
 */
export const isOwnHost = (
  header: string | undefined,
  { host, allowedHosts }: Pick<GuardOptions, 'host' | 'allowedHosts'>,
): boolean => {
  const name = nameOf(header ?? '')
  if (allowedHosts.some((one) => nameOf(one) === name) || name === host.toLowerCase() || LOOPBACK.has(name))
    return true
  // A name can be made to point elsewhere; an address cannot.
  return !isLoopback(host) && isIP(name) !== 0
}

/** Without the port, and the brackets around an IPv6 address. */
const nameOf = (host: string): string =>
  (isIP(host) === 6 ? `[${host}]` : host)
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase()

/** Whether a page of this origin may send requests. A request without an origin does not come from a page. */
export const isAllowedOrigin = (
  origin: string | undefined,
  hostHeader: string | undefined,
  { cors }: Pick<GuardOptions, 'cors'>,
): boolean => {
  if (origin === undefined || cors.includes('*') || cors.includes(origin)) return true
  try {
    return new URL(origin).host === hostHeader
  } catch {
    return false
  }
}
