/** What the tests of the web runtime share: a built page with the shipped student, in a real browser. */
import { join } from 'node:path'
import { toRGBA } from '@onestroke/core/pipeline'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { expect, vi } from 'vitest'
import { exportModel } from '../../packages/onestroke/src/export/index.js'
import { loadModel, Model } from '../../packages/onestroke/src/model/index.js'
import { expectBuilt } from '../build.js'
import { launch, serveBuilt } from './browser.js'

expectBuilt('library')

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })
export const STUDENT = 'models/emoji-16-guided'

/** What a page holds as `web`. */
export type Web = typeof import('@onestroke/core/web')

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

type Site = Awaited<ReturnType<typeof serveBuilt>>

/** A site with the library and, in `model/`, the student, and a browser that visits it. */
export class WebPage {
  private constructor(
    readonly site: Site,
    readonly browser: Browser,
    /** One for all pages: what it has compiled of onnxruntime stays. */
    readonly context: BrowserContext,
  ) {}

  static async open(launched = launch): Promise<WebPage> {
    const site = await serveBuilt('tests/web/page')
    await exportModel({ model: await loadModel(STUDENT), out: join(site.folder, 'model'), dtype: 'fp32' })
    const browser = await launched()
    return new WebPage(site, browser, await browser.newContext())
  }

  /** A page that has loaded the library. */
  async visit(): Promise<Page> {
    const page = await this.context.newPage()
    await page.goto(this.site.url)
    await page.waitForFunction(() => 'web' in globalThis)
    return page
  }

  async close(): Promise<void> {
    await this.browser.close()
    await this.site.close()
  }
}
