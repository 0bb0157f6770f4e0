/** The page of examples/vite, built and driven as its visitors would. */
import { beforeAll, expect, it, vi } from 'vitest'
import { launch, serveBuilt } from '../web/browser.js'
import { describeInBrowser } from '../web/describe.js'
import { npmRun } from './testing.js'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

describeInBrowser('examples/vite', () => {
  beforeAll(async () => {
    await npmRun('vite', 'model')
  })

  it('paints, and again for another prompt and another seed', async () => {
    const site = await serveBuilt('examples/vite')
    const browser = await launch()
    try {
      const page = await browser.newPage()
      const problems: string[] = []
      page.on('pageerror', ({ message }) => problems.push(message))
      await page.goto(site.url)
      /** Waits until the picture is another one. */
      const pictureAfter = async (before: string) => {
        const found = await page.waitForFunction((before) => {
          const canvas = document.querySelector('one-stroke')?.shadowRoot?.querySelector('canvas')
          if (canvas?.width !== 16) return false
          const now = canvas.toDataURL()
          return now !== before && now
        }, before)
        return (await found.jsonValue()) as string
      }
      const heart = await pictureAfter('')
      await page.fill('#prompt', 'owl')
      const owl = await pictureAfter(heart)
      await page.fill('#seed', '40')
      const other = await pictureAfter(owl)
      expect(await page.textContent('#said')).toMatch(/^[\d.]+ ms on wasm$/)
      await page.fill('#prompt', 'spaceship')
      await pictureAfter(other)
      expect(await page.textContent('#said')).toMatch(/ ms on wasm; the model has not seen "spaceship"; /)
      expect(problems).toEqual([])
    } finally {
      await browser.close()
      await site.close()
    }
  })
})
