/** How requests are refused before a route has seen them: by path, method, size and type, or by Node itself. */
import type { Socket } from 'node:net'
import { UserError } from '@onestroke/core/errors'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { FAILURE, issueText, problemBody, problemOf } from './problems.js'
import type { App, ServerOptions } from './service.js'

/** Answers what went wrong. */
export const answerError =
  ({ onFailure }: Pick<ServerOptions, 'onFailure'>) =>
  (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
    const { status, type, message, again } = problemOf(error)
    if (type === FAILURE) onFailure?.(error)
    if (again) reply.header('retry-after', '1')
    return reply.code(status).send(problemBody(type, adviceFor(error, request) ?? message))
  }

/** Refuses paths that are unknown with 404, and methods that a path does not take with 405. Before all routes. */
export const refuseUnknown = (app: App): void => {
  const routes: { readonly url: string; readonly methods: readonly string[] }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    routes.push({ url, methods: [method].flat() })
  })
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0]!
    const methods = new Set(routes.filter(({ url }) => isAt(url, path)).flatMap((route) => route.methods))
    if (methods.size === 0)
      return reply
        .code(404)
        .send(problemBody('not_found', `there is no ${path}; GET / says what there is, and /openapi.json`))
    const allow = [...methods].join(', ')
    return reply
      .code(405)
      .header('allow', allow)
      .send(problemBody('method_not_allowed', `${path} takes ${allow}, and not ${request.method}`))
  })
}

/** Whether a route, `/v1/models/:id` for instance, is at a path. */
const isAt = (route: string, path: string): boolean => {
  const [names, parts] = [route.split('/'), path.split('/')]
  return names.length === parts.length && names.every((name, i) => name.startsWith(':') || name === parts[i])
}

/** What is wrong with a value of a request: `to.weight: too big: expected number to be <=1`. Without a path, with the whole. */
export const wrongValue = (path: readonly PropertyKey[], message: string): string => {
  const said = message.charAt(0).toLowerCase() + message.slice(1)
  return path.length > 0 ? `${path.map(String).join('.')}: ${said}` : said
}

const FORMS = /^\/v1\/images\/(edits|variations)$/

/** What to send instead, for errors of fastify that only say what was wrong. */
export const adviceFor = (
  { code }: Pick<FastifyError, 'code'>,
  { headers, routeOptions }: FastifyRequest,
): string | undefined => {
  const type = headers['content-type']
  switch (code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE': {
      const wanted = FORMS.test(routeOptions.url ?? '')
        ? 'a form: content-type: multipart/form-data'
        : 'JSON, with the header content-type: application/json'
      return `send ${wanted}${type?.trim() ? `, and not ${type}` : ''}`
    }
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return `the request is too large: at most ${mebibytes(routeOptions.bodyLimit ?? 0)} are taken here; scale pictures down before you send them`
    case 'FST_REQ_FILE_TOO_LARGE':
      return 'a picture is too large: at most 17 MiB are taken; scale it down before you send it'
    case 'FST_FILES_LIMIT':
    case 'FST_PARTS_LIMIT':
    case 'FST_FIELDS_LIMIT':
      return 'the form has too many parts: send one image, one mask at most, and fields'
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return 'the body is empty: send JSON, for instance {"prompt":"owl"}'
    default:
      return undefined
  }
}

const mebibytes = (bytes: number): string => {
  const kibi = Math.round(bytes / 1024)
  return kibi >= 1024 ? `${Math.floor(kibi / 1024)} MiB` : `${kibi} KiB`
}

/** Reads bodies of JSON. Keys that would change an object's prototype are refused. */
export const takeJson = (app: App): void => {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) =>
    parse(request, body, (error, json) => done(error && isJson(body) ? poisoned() : error, json)),
  )
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const poisoned = (): UserError =>
  new UserError('keys called __proto__, and constructor with prototype in it, are not taken; leave them out')

/** Most issues that one answer names. */
const MOST_WRONG = 8

/** What is wrong with a request's values, as zod and fastify found it: one after the other, the first few. */
export const whatIsWrong = (
  errors: readonly { readonly instancePath?: string; readonly message?: string; readonly params?: object }[],
): string => {
  const said = errors.slice(0, MOST_WRONG).map(({ instancePath = '', message = 'is wrong', params = {} }) => {
    const { keys } = params as { keys?: readonly string[] }
    return wrongValue(instancePath.split('/').filter(Boolean), issueText({ message, keys }))
  })
  const more = errors.length - said.length
  return `${said.join('; ')}${more > 0 ? `; and ${more.toLocaleString('en')} more` : ''}`
}

/** Errors of Node's HTTP parser: the status, and what is wrong. */
const UNREADABLE: Readonly<Record<string, readonly [status: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    'the headers are too large: 16 kB are taken; send what is long in the body of a POST',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    '408 Request Timeout',
    'the request did not end in time; send it again, at once',
  ],
}
const UNREADABLE_OTHERWISE = ['400 Bad Request', 'this is no HTTP/1.1 request; send one'] as const

/** Answers what Node's parser refuses, in the form of all problems. */
export const refuseUnreadable = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const [status, message] = UNREADABLE[error.code ?? ''] ?? UNREADABLE_OTHERWISE
  say(socket, status, problemBody('invalid_request_error', message))
}

/** Writes an answer to a socket on which no request was read, and closes it. */
export const say = (socket: Socket, status: string, body: object, headers = ''): void => {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const text = JSON.stringify(body)
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(text)}\r\n${headers}connection: close\r\n\r\n${text}`,
    () => socket.destroy(),
  )
}
