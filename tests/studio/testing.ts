/** What the tests of the studio share: its server with the shipped models, and its built page in a real browser. */
import { createHash } from 'node:crypto'
import { cp, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import sharp from 'sharp'
import { afterEach, beforeAll, expect } from 'vitest'
import { openCatalogue, studioServer } from '../../packages/onestroke/src/studio/index.js'
import { expectBuilt } from '../build.js'
import { succeeds } from '../cli/testing.js'
import { sharedBrowser } from '../web/shared.js'

expectBuilt('library', 'studio')

export const STUDENT = 'models/emoji-16-guided'
/** By which the studio knows a model anew: that of its config, which has the weights' own. */
export const hashOfConfig = async (model: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(join(model, 'config.json')))
    .digest('hex')

/** Steps in which its teacher paints. */
export const TEACHER_STEPS = 8
/** The last of them in Compare. */
export const LAST_STROKE = `.film li:nth-child(${TEACHER_STEPS})`

export class Studio {
  /** What the page complained of, which it should not. */
  readonly complaints: string[] = []
  /** A folder for this test file, with trainings in `runs`. */
  work!: string
  url!: string
  app!: FastifyInstance
  browser!: Browser
  #page: Page | undefined
  /** The context of pages that need none of their own: what it has compiled of onnxruntime stays. */
  #shared: BrowserContext | undefined
  #own: BrowserContext | undefined

  /** @param models that it offers */
  constructor(readonly models: readonly string[]) {}

  /** @param prepare is given the folder, before the studio opens */
  async start(prepare: (work: string) => Promise<void>): Promise<void> {
    this.work = await mkdtemp(join(tmpdir(), 'onestroke-studio-test-'))
    await prepare(this.work)
    this.app = await serve(this.work, 0, this.models)
    this.url = `http://127.0.0.1:${(this.app.server.address() as AddressInfo).port}/`
    this.browser = await sharedBrowser()
  }

  async close(): Promise<void> {
    await this.leave()
    await this.#shared?.close()
    await this.app.close()
    await rm(this.work, { recursive: true, force: true })
  }

  /** The server anew, where it was. */
  async restart(): Promise<void> {
    this.app = await serve(this.work, Number(new URL(this.url).port), this.models)
  }

  /**
   * Opens the page, in place of the one before.
   *
   * @param address from the studio's own on.
   * @param options of a context of its own, where nobody was before.
   */
  readonly open = async (
    address = '',
    options?: Parameters<Browser['newContext']>[0],
    browser = this.browser,
  ): Promise<void> => {
    await this.leave()
    const context = () =>
      browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'], ...options })
    if (options) this.#own = await context()
    else this.#shared ??= await context()
    const page = await (this.#own ?? this.#shared!).newPage()
    page.on('pageerror', ({ message }) => this.complaints.push(message))
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text())
    })
    await page.goto(new URL(address, this.url).href)
    this.#page = page
  }

  async leave(): Promise<void> {
    await this.#page?.close()
    await this.#own?.close()
    this.#own = undefined
    this.complaints.length = 0
  }

  /** The page that was opened last. */
  readonly page = (): Page => this.#page!
  readonly picture = (): Locator => this.page().locator('.stage .picture')
  readonly painted = (): Promise<void> => this.page().getByTestId('latency').waitFor()
  /** Waits until Compare has measured what it compares. */
  readonly compared = (): Promise<void> =>
    this.page()
      .getByText(/The student is .* faster here/)
      .waitFor()
  readonly prompt = (): Locator => this.page().getByLabel('Prompt', { exact: true })
  /** Clicks on one of its views: Paint, Compare, Draw or Train. */
  readonly goTo = (view: string): Promise<void> =>
    this.page().getByRole('navigation').getByRole('button', { name: view, exact: true }).click()
  /** Waits until it shows that view. */
  readonly shown = (view: string): Promise<void> =>
    this.page().getByRole('navigation').locator('[aria-current]', { hasText: view }).waitFor()
}

/**
 * A studio for the tests that stand beside this call: it opens before them, and closes after them. Each test opens a page of its own.
 *
 * @param prepare is given the studio's folder, before it opens
 * @param models that it offers then
 */
export const openStudio = (
  prepare: (work: string) => Promise<void> = async () => {},
  models: readonly string[] = [STUDENT],
): Studio => {
  const studio = new Studio(models)
  beforeAll(async () => {
    await studio.start(prepare)
    return () => studio.close()
  })
  afterEach(() => studio.leave())
  return studio
}

const serve = async (work: string, port: number, models: readonly string[]): Promise<FastifyInstance> => {
  const catalogue = await openCatalogue(models, { work: join(work, `models-${port}`), dtype: 'fp16' })
  const app = await studioServer(catalogue, [join(work, 'runs')])
  await app.listen({ port, host: '127.0.0.1' })
  return app
}

export const pixelsOf = (canvas: Locator): Promise<number[]> =>
  canvas.evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement
    return [...(element as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height).data]
  })

/** Waits until a picture is another one. */
export const changed = async (canvas: Locator, before: readonly number[]): Promise<number[]> => {
  await expect.poll(() => pixelsOf(canvas)).not.toEqual(before)
  return pixelsOf(canvas)
}

/** Where a short training is kept while all tests run. */
const TRAINED = join(process.env.ONESTROKE_CACHE!, 'training-for-the-studio')

/** A short training in `runs/first` of a folder: the same for all files, so it is done once, and copied. */
export const train = async (work: string): Promise<void> => {
  if (!(await stat(TRAINED).catch(() => undefined))) {
    const own = await mkdtemp(`${TRAINED}-`)
    await trainIn(join(own, 'first'))
    // Who did it in another process at the same time may have been first.
    await rename(join(own, 'first'), TRAINED).catch((error) =>
      stat(TRAINED).catch(() => Promise.reject(error)),
    )
  }
  await cp(TRAINED, join(work, 'runs/first'), { recursive: true })
}

const trainIn = (out: string): Promise<unknown> =>
  succeeds([
    'train',
    'iconify:fluent-emoji-flat',
    '--category',
    'Flags',
    '--resolution',
    '16',
    '--preset',
    'tiny',
    '--images',
    '640',
    '--out',
    out,
  ])

/** The same, and a page that stands for its report. */
export const trainWithReport = async (work: string): Promise<void> => {
  await train(work)
  await writeFile(join(work, 'runs/first/report.html'), '<title>the report</title>')
}

/** A browser as in private windows, without service workers: tests can answer the requests of its pages. */
export const withoutServiceWorkers = async ({ browser }: Studio): Promise<BrowserContext> => {
  const context = await browser.newContext()
  await context.addInitScript(() =>
    Object.defineProperty(Navigator.prototype, 'serviceWorker', { get: () => undefined }),
  )
  return context
}

/** Pixels of 16×16, in RGB, that nothing but themselves looks like. */
export const noise = Buffer.from(
  Array.from({ length: 768 }, (_, i) => Math.floor(65_536 * Math.abs(Math.sin(i))) % 256),
)
export const rgba = (rgb: Buffer): number[] =>
  [...rgb].flatMap((value, i) => (i % 3 < 2 ? [value] : [value, 255]))

/** The drawing view of a page: what is in it, and what can be done there. */
export const drawingOn = (page: () => Page) => {
  /** The model's picture, once it is of all that was asked for. */
  const settled = async () => {
    await page().locator('.result[aria-busy="false"]').waitFor()
    return pixelsOf(result())
  }

  /** What moves the mouse, in so many steps, to places in shares of the easel, where that is now. */
  const mouse = async (steps = 4) => {
    const { x, y, width, height } = (await easel().boundingBox())!
    return (right: number, down: number) => page().mouse.move(x + right * width, y + down * height, { steps })
  }

  /** Presses, moves along and lets go, in shares of the easel. */
  const brush = async (points: readonly (readonly [number, number])[]) => {
    await easel().scrollIntoViewIfNeeded()
    const move = await mouse()
    for (const [i, point] of points.entries()) {
      await move(...point)
      if (i === 0) await page().mouse.down()
    }
    await page().mouse.up()
  }
  const result = () => page().locator('.draw .picture')
  const easel = () => page().locator('.easel')
  const choose = (label: string) => page().getByLabel(label, { exact: true }).check({ force: true })
  const press = (name: string) => page().getByRole('button', { name, exact: true }).click()
  const isPainted = () => page().getByTestId('drawn').filter({ hasText: 'ms' }).waitFor()
  /** For each pixel: whether the mask covers it, as it is shown. */
  const mask = async () =>
    (await pixelsOf(page().locator('.over'))).filter((_, i) => i % 4 === 3).map(Boolean)
  const masked = async () => (await mask()).filter(Boolean).length
  const colourAt = async (right: number, down: number) =>
    (await pixelsOf(easel())).slice(4 * (16 * down + right), 4 * (16 * down + right) + 3)
  const open16 = async (rgb: Buffer) => {
    const buffer = await sharp(rgb, { raw: { width: 16, height: 16, channels: 3 } })
      .png()
      .toBuffer()
    await page().locator('input[type=file]').setInputFiles({ name: '16.png', mimeType: 'image/png', buffer })
  }
  return { settled, mouse, brush, result, easel, choose, press, isPainted, mask, masked, colourAt, open16 }
}
