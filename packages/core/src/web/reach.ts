/** Why an address cannot be read. Browsers tell scripts only that it failed. */
import { UserError } from '../errors/index.js'

/**
 * Explains a fetch that failed. An address of another origin is asked once more in the mode in which browsers keep the answer
 * from scripts: if there is one, only the permission to read it is missing.
 *
 * @param cause what `fetch` threw.
 */
export const unreadable = async (address: URL, cause: Error): Promise<UserError> => {
  const { origin } = globalThis
  if (address.origin === origin) return new UserError(`cannot reach ${address}: ${cause.message}`, { cause })
  const isThere = await fetch(address, { mode: 'no-cors', cache: 'no-store', method: 'HEAD' }).then(
    () => true,
    () => false,
  )
  if (isThere)
    return new UserError(`${address} may not be read by pages of ${origin}`, {
      cause,
      remedy: `its server must send the header Access-Control-Allow-Origin: ${origin}, or *`,
    })
  return new UserError(`cannot reach ${address}: ${cause.message}`, {
    cause,
    remedy: `if it is there, its server must send the header Access-Control-Allow-Origin: ${origin}, and a Content-Security-Policy of the page must name ${address.origin}`,
  })
}

/** Looks whether an address of another origin can be read. Returns what is wrong; undefined if nothing is. */
export const lookAt = async (address: URL): Promise<UserError | undefined> => {
  if (address.origin === globalThis.origin) return undefined
  try {
    const { body, ok, status, statusText } = await fetch(address)
    await body?.cancel()
    return ok ? undefined : new UserError(`cannot load ${address}: ${status} ${statusText}`.trim())
  } catch (error) {
    return unreadable(address, error as Error)
  }
}
