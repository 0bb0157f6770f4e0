/**
 * The studio offline: page and scripts are kept when it is installed, onnxruntime's files and what models say of
 * themselves when they are first asked for. Models' graphs are kept by the page itself, which checks their hashes.
 */
importScripts('./sw-files.js')
/** Studios below one origin do not share. */
const OWN = `studio ${self.registration.scope} `
const CACHE = OWN + self.VERSION

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      // From the server, not from what the browser remembers of an earlier version.
      .then((cache) => cache.addAll(self.KEEP.map((file) => new Request(file, { cache: 'reload' }))))
      .then(() => self.skipWaiting()),
  )
})

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names.filter((name) => name.startsWith(OWN) && name !== CACHE).map((name) => caches.delete(name)),
        ),
      )
      .then(() => self.clients.claim()),
  )
})

/** What may differ each time that it is asked for: from the network, and from before where there is none. */
const isFresh = ({ pathname }) => pathname.endsWith('.json') || pathname.endsWith('/')
/** What is not the page's, or is kept elsewhere. */
const isLeft = ({ pathname }) => pathname.includes('/api/') || pathname.endsWith('.onnx')

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== location.origin || isLeft(url)) return
  event.respondWith(answer(event, isFresh(url)))
})

const answer = async (event, fresh) => {
  const { request } = event
  const cache = await caches.open(CACHE)
  const kept = () => cache.match(request, { ignoreSearch: true })
  if (!fresh) {
    const found = await kept()
    if (found) return found
  }
  try {
    const response = await fetch(request, fresh ? { cache: 'no-cache' } : {})
    // A full disk keeps nothing, and answers all the same.
    if (response.ok) event.waitUntil(cache.put(request, response.clone()).catch(() => {}))
    return response
  } catch (error) {
    const found = await kept()
    if (found) return found
    throw error
  }
}
