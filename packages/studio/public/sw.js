/**
 * The studio offline: page and scripts are kept when it is installed, onnxruntime's files and what models say of
 * themselves when they are first asked for. Models' graphs are kept by the page itself, which checks their hashes.
 */
importScripts('./sw-files.js')
const CACHE = `studio-${self.VERSION}`

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(self.KEEP))
      .then(() => self.skipWaiting()),
  )
})

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names
            .filter((name) => name.startsWith('studio-') && name !== CACHE)
            .map((name) => caches.delete(name)),
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
  event.respondWith(answer(request, isFresh(url)))
})

const answer = async (request, fresh) => {
  const cache = await caches.open(CACHE)
  const kept = () => cache.match(request, { ignoreSearch: true })
  if (!fresh) {
    const found = await kept()
    if (found) return found
  }
  try {
    const response = await fetch(request)
    if (response.ok) await cache.put(request, response.clone())
    return response
  } catch (error) {
    const found = await kept()
    if (found) return found
    throw error
  }
}
