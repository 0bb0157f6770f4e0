/**
 * The studio offline. Page and scripts are kept when it is installed, one cache for each build; onnxruntime's files and what models
 * say of themselves when they are first asked for, in a cache that outlives builds. Models' graphs are kept by the page itself,
 * which checks their hashes.
 */
importScripts('./sw-files.js')
const { pathname: SCOPE } = new URL(self.registration.scope)
/** Studios below one origin do not share. */
const OWN = `studio ${self.registration.scope} `
const BUILD = OWN + self.VERSION
const ASKED = `${OWN}asked`

// A new worker waits until no page of an earlier build is open: those have files of their own to ask for.
self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(BUILD)
      // From the server, not from what the browser remembers of an earlier version.
      .then((cache) => cache.addAll(self.KEEP.map((file) => new Request(file, { cache: 'reload' })))),
  )
})

self.addEventListener('activate', (event) => {
  event.waitUntil(tidy().then(() => self.clients.claim()))
})

/** Throws away what earlier builds kept, but for what this one has as well. */
const tidy = async () => {
  for (const name of await caches.keys())
    if (name.startsWith(OWN) && name !== BUILD && name !== ASKED) await caches.delete(name)
  const asked = await caches.open(ASKED)
  for (const request of await asked.keys()) {
    const file = fileOf(new URL(request.url))
    if (file.startsWith('assets/') && !self.LARGE.includes(file)) await asked.delete(request)
  }
}

/** A file of the studio's, from its folder on; undefined for what is another's. */
const fileOf = ({ origin, pathname }) =>
  origin === location.origin && pathname.startsWith(SCOPE) ? pathname.slice(SCOPE.length) : undefined

self.addEventListener('fetch', (event) => {
  const { request } = event
  const file = fileOf(new URL(request.url))
  if (request.method !== 'GET' || file === undefined) return
  if (request.mode === 'navigate') {
    if (file === '' || file === 'index.html') event.respondWith(page(request))
  } else if (/^models(\/[^/]+\/manifest)?\.json$/.test(file)) event.respondWith(fresh(event))
  else if (self.KEEP.includes(file) || file.startsWith('assets/')) event.respondWith(kept(event))
})

const page = (request) => fetch(request).catch(async () => (await caches.open(BUILD)).match('./'))

/** What may differ each time that it is asked for: from before only where there is no network. */
const fresh = async (event) => {
  try {
    return keeping(event, await fetch(event.request, { cache: 'no-cache' }))
  } catch (error) {
    const found = await (await caches.open(ASKED)).match(event.request, { ignoreSearch: true })
    if (found) return found
    throw error
  }
}

const kept = async (event) => {
  for (const name of [BUILD, ASKED]) {
    const found = await (await caches.open(name)).match(event.request, { ignoreSearch: true })
    if (found) return found
  }
  return keeping(event, await fetch(event.request))
}

const keeping = (event, response) => {
  // A full disk keeps nothing, and answers all the same.
  if (response.ok) event.waitUntil(put(event.request, response.clone()))
  return response
}
const put = async (request, response) =>
  (await caches.open(ASKED)).put(request, response).catch(() => undefined)

/** From a page that was there before its worker: what it has loaded meanwhile. */
self.addEventListener('message', (event) => {
  const [files, large] = [event.data.keep, self.LARGE]
  const look = async (file, init) => {
    const response = await fetch(file, init).catch(() => undefined)
    if (response?.ok) await put(file, response)
  }
  event.waitUntil(
    Promise.all([
      ...files.map((file) => look(file, {})),
      // Only if the browser has it: most pages need one of several.
      ...large.map((file) => look(file, { cache: 'only-if-cached', mode: 'same-origin' })),
    ]),
  )
})
