/** The errors that clients get, over HTTP and on sockets. */
import { told, UserError, type Words } from '@onestroke/core/errors'
import { NotFiniteError } from '@onestroke/core/pipeline'
import { Busy, Closing } from './scheduler.js'

export interface Problem {
  /** HTTP's status code. */
  readonly status: number
  readonly type: string
  readonly message: string
  /** The client should ask again, in a second. */
  readonly again?: true
}

/** The type of internal errors. Clients get a generic message; details go to `onFailure`. */
export const FAILURE = 'server_error'

/** Options of the library by the names of the fields that set them. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ['num_inference_steps', 'steps'],
  ['to.weights', 'to.weight'],
])

/** How errors name an option: by the field of a request that sets it. */
const inFields: Words = (option) => `"${FIELDS.get(option) ?? option}"`

export const problemOf = (error: Error & { readonly statusCode?: number }): Problem => {
  const { message, statusCode } = error
  if (error instanceof Busy) return { status: 429, type: 'busy', message, again: true }
  if (error instanceof Closing) return { status: 503, type: 'closing', message }
  if (error.name === 'TimeoutError') return { status: 503, type: 'timeout', message, again: true }
  // The client has gone.
  if (error.name === 'AbortError') return { status: 499, type: 'aborted', message }
  if (error instanceof NotFiniteError) return { status: 500, type: FAILURE, message }
  if (error instanceof UserError)
    return { status: 400, type: 'invalid_request_error', message: told(error, inFields) }
  if (error instanceof RangeError && statusCode === undefined)
    return { status: 400, type: 'invalid_request_error', message }
  if (statusCode !== undefined && statusCode < 500)
    return { status: statusCode, type: 'invalid_request_error', message }
  return { status: statusCode ?? 500, type: FAILURE, message: 'something went wrong' }
}

/** A problem in the form in which answers carry it. */
export const problemBody = (type: string, message: string) => ({ error: { type, message } })

/** Most keys that one answer names, and most characters of each. */
const [MOST_KEYS, MOST_CHARACTERS] = [8, 40]

/** An issue that zod found, in zod's words. Of many unknown keys, the first few are named. */
export const issueText = ({
  message,
  keys = [],
}: {
  readonly message: string
  readonly keys?: readonly string[] | undefined
}): string => {
  if (keys.length === 0) return message
  const named = keys.slice(0, MOST_KEYS).map((key) => JSON.stringify(key.slice(0, MOST_CHARACTERS)))
  const more = keys.length - named.length
  return `Unrecognized key${keys.length === 1 ? '' : 's'}: ${named.join(', ')}${more > 0 ? `, and ${more.toLocaleString('en')} more` : ''}`
}
