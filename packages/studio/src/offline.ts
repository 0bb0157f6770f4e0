/** The service worker, which keeps what goes through it for offline use. */

/** How long a first visit waits for it. */
const PATIENCE = 3000

const controlled = new Promise<void>((resolve) =>
  navigator.serviceWorker?.addEventListener('controllerchange', () => resolve(), { once: true }),
)
let late = false

/** Registers it. Settles when the page's requests go through it, or when they will not, or not soon. */
const register = async (): Promise<void> => {
  const { serviceWorker } = navigator
  if (!serviceWorker || !import.meta.env.PROD) return
  const refused = new Promise<void>((resolve) =>
    serviceWorker.register('./sw.js', { updateViaCache: 'none' }).catch(() => resolve()),
  )
  if (serviceWorker.controller) return
  late = await Promise.race([
    controlled.then(() => false),
    refused.then(() => false),
    new Promise<boolean>((resolve) => setTimeout(() => resolve(true), PATIENCE)),
  ])
}

export const readyForOffline = register()

/** Has files kept that were loaded before the worker came, if it came late. */
export const keepLate = (files: readonly string[]): void => {
  if (!late) return
  late = false
  void controlled.then(() => navigator.serviceWorker.controller?.postMessage({ keep: files }))
}
