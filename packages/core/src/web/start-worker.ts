/** Starts the worker, also where its script comes from another origin than the page, as from a CDN. */

export interface Started {
  readonly worker: Worker
  /** Address of its script, if that is of another origin. */
  readonly elsewhere?: URL
}

/** Bundlers look for these very words. */
const own = () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })

/** @throws DOMException if the browser lets no worker start. */
export const startWorker = (): Started => {
  const { protocol, origin } = new URL(import.meta.url)
  if (!/^https?:$/.test(protocol) || origin === globalThis.origin) return { worker: own() }
  // Browsers start no worker from another origin. One that was made here may import from there.
  const address = addressOf(own)
  entry ??= URL.createObjectURL(new Blob([`import ${JSON.stringify(address)}`], { type: 'text/javascript' }))
  return { worker: new Worker(entry, { type: 'module' }), elsewhere: address }
}

/** The blob's address. One blob serves all workers of the page, so it is never revoked. */
let entry: string | undefined

/** The address that a bundler has put into a call of `new Worker`: it is nowhere else. */
const addressOf = (start: () => unknown): URL => {
  const { Worker } = globalThis
  let address: string | URL = ''
  globalThis.Worker = class {
    constructor(given: string | URL) {
      address = given
    }
  } as unknown as typeof Worker
  try {
    start()
  } finally {
    globalThis.Worker = Worker
  }
  return new URL(address)
}
