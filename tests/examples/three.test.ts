/** The fountain of examples/three, drawn in software: its textures are painted on the fly, and the main thread stays free. */
import type { WebModel } from '@onestroke/core/web'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { beforeAll, expect, it, vi } from 'vitest'
import { launchWebgl, serveBuilt } from '../web/browser.js'
import { describeInBrowser } from '../web/describe.js'
import { npmRun } from './testing.js'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

interface Statistics {
  readonly count: number
  readonly median: number
  readonly p95: number
  readonly longest: number
}
declare const fountain: {
  readonly model: WebModel
  readonly pictures: number
  summary(): Readonly<Record<'frames' | 'work' | 'swaps' | 'tasks', Statistics>>
  reset(): void
}

/** Frame times while so many pictures are painted for dice. */
const whilePainting = (page: Page, pictures: number) =>
  page.evaluate(async (pictures) => {
    const end = fountain.pictures + pictures
    fountain.reset()
    while (fountain.pictures < end) await new Promise(requestAnimationFrame)
    return fountain.summary()
  }, pictures)

/** Frame times while the graph runs once, for as many pictures as take it far longer than a frame; and how long that was. */
const whileBatch = (page: Page) =>
  page.evaluate(async () => {
    fountain.reset()
    const begin = performance.now()
    await fountain.model.generateBatch({ prompts: Array(64).fill('owl'), steps: 1 })
    return { ...fountain.summary(), all: performance.now() - begin }
  })

describeInBrowser('examples/three', () => {
  beforeAll(async () => {
    await npmRun('three', 'model')
  })

  it('paints textures while it draws, and never holds the main thread up', { retry: 2 }, async () => {
    const site = await serveBuilt('examples/three')
    const browser = await launchWebgl()
    try {
      const page = await browser.newPage({ viewport: { width: 480, height: 360 } })
      const problems: string[] = []
      page.on('pageerror', ({ message }) => problems.push(message))
      await page.goto(site.url)
      await page.fill('#prompt', 'red heart')
      await page.waitForFunction(() => 'fountain' in globalThis && fountain.pictures > 30)
      const [hearts, painting] = [await redShare(page), await whilePainting(page, 40)]
      await page.fill('#prompt', 'owl')
      await whilePainting(page, 50)
      const [owls, batch] = [await redShare(page), await whileBatch(page)]
      const said = {
        painting: inWords(painting),
        [`a batch of ${batch.all.toFixed(0)} ms`]: inWords(batch),
      }
      console.log(said)

      expect(problems).toEqual([])
      // What is drawn is what was wished for.
      expect(hearts).toBeGreaterThan(2 * owls)
      expect(painting.swaps.count).toBeGreaterThanOrEqual(40)
      for (const { longest } of [painting.swaps, painting.tasks, batch.tasks])
        expect(longest).toBeLessThan(50)
      // One run of the graph, which would be one task if the page made it itself.
      expect(batch.all).toBeGreaterThan(200)
      expect(batch.frames.count).toBeGreaterThan(batch.all / 200)
    } finally {
      await browser.close()
      await site.close()
    }
  })
})

/** Median, 95 % and longest, in milliseconds. */
const inWords = (summary: Awaited<ReturnType<typeof whilePainting>>) =>
  Object.entries(summary)
    .filter(([name]) => name !== 'all')
    .map(([name, { count, median, p95, longest }]) => {
      const times = [median, p95, longest].map((ms) => ms.toFixed(1)).join(' / ')
      return `${name} ${count}: ${times}`
    })
    .join(', ')

/** Share of the screen that is a strong red. */
const redShare = async (page: Page) => {
  const { data } = await sharp(await page.screenshot())
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  let red = 0
  for (let i = 0; i < data.length; i += 3)
    if (data[i]! > 150 && data[i + 1]! < 0.45 * data[i]! && data[i + 2]! < 0.45 * data[i]!) red++
  return red / (data.length / 3)
}
