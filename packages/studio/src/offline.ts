/** The service worker, which keeps what goes through it for offline use. */

/** How long a first visit waits for it. */
const PATIENCE = 3000

/** Registers it. Settles when the page's requests go through it, or when they will not. */
const register = async (): Promise<void> => {
  const { serviceWorker } = navigator
  if (!serviceWorker || !import.meta.env.PROD) return
  const controlled = new Promise((resolve) =>
    serviceWorker.addEventListener('controllerchange', resolve, { once: true }),
  )
  try {
    await serviceWorker.register('./sw.js', { updateViaCache: 'none' })
  } catch {
    return
  }
  if (!serviceWorker.controller)
    await Promise.race([controlled, new Promise((resolve) => setTimeout(resolve, PATIENCE))])
}

export const readyForOffline = register()
