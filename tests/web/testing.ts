/** What the tests of the web runtime share: a built page with the shipped student, in a real browser. */
import { join } from 'node:path'
import { toRGBA } from '@onestroke/core/pipeline'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { beforeAll, beforeEach, expect } from 'vitest'
import { exportModel } from '../../packages/onestroke/src/export/index.js'
import { loadModel, Model } from '../../packages/onestroke/src/model/index.js'
import { expectBuilt } from '../build.js'
import { type launch, serveBuilt } from './browser.js'
import { sharedBrowser } from './shared.js'

expectBuilt('library')

export const STUDENT = 'models/emoji-16-guided'

/** What a page holds as `web`. */
export type Web = typeof import('@onestroke/core/web')
declare const web: Web

export const PROMPTS = ['red heart', 'cat face']

/** Expects RGBA pictures of PROMPTS, seed 7 and two steps to be Node's, but for so many of 255. */
export const expectNode = async (
  images: readonly (readonly number[])[],
  tolerance: number,
  guidance = {},
): Promise<void> => {
  const model = Model.of(await loadModel(STUDENT))
  const { data } = await model.generate({ prompts: PROMPTS, seed: 7, num_inference_steps: 2, ...guidance })
  await model.release()
  expect(images.map(({ length }) => length)).toEqual([1024, 1024])
  const far = images.flatMap((rgba, i) => {
    const node = toRGBA(data, i, { channels: 3, height: 16, width: 16 })
    return rgba.map((byte, at) => Math.abs(byte - node[at]!))
  })
  expect(Math.max(...far)).toBeLessThanOrEqual(tolerance)
}

/** PROMPTS as RGBA pictures of seed 7 and two steps, which the model at `src` paints in a page: what `expectNode` expects. */
export const paintIn = (
  page: Page,
  src: string,
  device: 'wasm' | 'webgpu',
  guidance = {},
): Promise<number[][]> =>
  page.evaluate(
    async ({ src, device, prompts, guidance }) => {
      const model = await web.load(src, { device })
      const images = await model.generateBatch({ prompts, seed: 7, steps: 2, ...guidance })
      return images.map(({ data }) => [...data])
    },
    { src, device, prompts: PROMPTS, guidance },
  )

type Site = Awaited<ReturnType<typeof serveBuilt>>

/** A site with the library and, in `model/`, the student, and a browser that visits it. */
export class WebSite {
  site!: Site
  browser!: Browser
  /** One for all pages that need none of their own: what it has compiled of onnxruntime stays. */
  context!: BrowserContext
  #own: Browser | undefined

  /** @param launched starts a browser for this site alone; otherwise it is the one that all files share */
  async start(launched?: typeof launch): Promise<void> {
    this.site = await serveBuilt('tests/web/page')
    await exportModel({ model: await loadModel(STUDENT), out: join(this.folder, 'model'), dtype: 'fp32' })
    this.#own = await launched?.()
    this.browser = this.#own ?? (await sharedBrowser())
    this.context = await this.browser.newContext()
  }

  /** What is served. */
  get folder(): string {
    return this.site.folder
  }

  /** Lets a page load the library. */
  async visit(page: Page): Promise<void> {
    await page.goto(this.site.url)
    await page.waitForFunction(() => 'web' in globalThis)
  }

  async close(): Promise<void> {
    await this.context.close()
    await this.#own?.close()
    await this.site.close()
  }
}

/** A site for the tests that stand beside this call: it opens before them, and closes after them. */
export const openSite = (launched?: typeof launch): WebSite => {
  const site = new WebSite()
  beforeAll(async () => {
    await site.start(launched)
    return () => site.close()
  })
  return site
}

/** The same, and for each test a page that has loaded the library. */
export const openPages = (): { site: WebSite; page: () => Page } => {
  const site = openSite()
  let page: Page
  beforeEach(async () => {
    page = await site.context.newPage()
    await site.visit(page)
    return () => page.close()
  })
  return { site, page: () => page }
}
