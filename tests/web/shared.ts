import type { Browser } from 'playwright-core'
import { launch } from './browser.js'

let browser: Browser | undefined

/** One browser for all files that a process tests; it ends with the process. Each file has contexts of its own there, and closes them. */
export const sharedBrowser = async (): Promise<Browser> => {
  if (!browser?.isConnected()) browser = await launch()
  return browser
}
