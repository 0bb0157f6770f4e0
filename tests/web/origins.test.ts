/** A page, the script and the model, each at an origin of its own, as with a CDN: three ports, in a real browser. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { expectBuilt } from '../build.js'
import { succeeds } from '../cli/testing.js'
import { ISOLATED, launch, launchWebgpu, serveFolder, webgpuLacks } from './browser.js'
import { describeInBrowser } from './describe.js'

expectBuilt('web')

const CORS = { 'Access-Control-Allow-Origin': '*' }

describeInBrowser('a script and a model from other origins', () => {
  let root: string
  let browser: Browser
  let page: Page
  let sites: Readonly<Record<'own' | 'scripts' | 'models', Awaited<ReturnType<typeof serveFolder>>>>
  /** What each site sends beside its files. */
  const sends: Record<'own' | 'scripts' | 'models', (path: string) => Readonly<Record<string, string>>> = {
    own: () => ({}),
    scripts: () => CORS,
    models: () => CORS,
  }
  /** What the page's policy forbade. */
  let forbidden: string[]

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'onestroke-origins-'))
    const folder = join(root, 'emoji')
    const target = ['--target', 'web', '--dtype', 'int8']
    await succeeds(['export', 'models/emoji-16-guided', '--out', folder, ...target])
    const own = join(root, 'own')
    await mkdir(own)
    const [scripts, models] = await Promise.all([
      serveFolder(folder, (path) => sends.scripts(path)),
      serveFolder(folder, (path) => sends.models(path)),
    ])
    await writeFile(
      join(own, 'index.html'),
      `<!doctype html><link rel="icon" href="data:,"><script type="module" src="${scripts.url}onestroke.js"></script>
        <one-stroke src="${models.url}" prompt="red heart" seed="1">`,
    )
    sites = { own: await serveFolder(own, (path) => sends.own(path)), scripts, models }
    browser = await launch()
  })
  afterAll(async () => {
    await browser?.close()
    for (const site of Object.values(sites ?? {})) await site.close()
    await rm(root, { recursive: true, force: true })
  })
  beforeEach(async () => {
    Object.assign(sends, { own: () => ({}), scripts: () => CORS, models: () => CORS })
    page = await browser.newPage()
    page.setDefaultTimeout(100_000)
    forbidden = []
    page.on('console', (message) => {
      if (/Content.Security.Policy/i.test(message.text())) forbidden.push(message.text())
    })
  })
  afterEach(() => page.close())

  /** Waits for a picture that is not empty. */
  const painted = () =>
    page.waitForFunction(() => {
      const canvas = document.querySelector('one-stroke')?.shadowRoot?.querySelector('canvas')
      if (canvas?.width !== 16) return false
      return new Set(canvas.getContext('2d')!.getImageData(0, 0, 16, 16).data).size > 20
    })
  /** What stands in the picture's place. */
  const message = async () => {
    const text = page.locator('one-stroke p')
    await text.waitFor()
    return (await text.textContent())!
  }

  it.each([
    ['as it is', {}],
    ['isolated from other origins', ISOLATED],
  ] as const)('paints in a page %s', async (_, headers) => {
    sends.own = () => headers
    await page.goto(sites.own.url)
    await painted()
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(headers === ISOLATED)
  })

  it.skipIf(webgpuLacks !== undefined)(
    `paints on WebGPU${webgpuLacks ? `: ${webgpuLacks}` : ''}`,
    async () => {
      const other = await launchWebgpu()
      try {
        await page.close()
        page = await other.newPage()
        page.setDefaultTimeout(100_000)
        await page.addInitScript(() => {
          addEventListener('painted', (event) => Object.assign(globalThis, { told: event }), {
            capture: true,
          })
        })
        await page.goto(sites.own.url)
        await page.evaluate(() => document.querySelector('one-stroke')!.setAttribute('device', 'webgpu'))
        await painted()
        const device = () =>
          (globalThis as { told?: CustomEvent<{ device: string }> }).told?.detail.device === 'webgpu'
        await page.waitForFunction(device)
        expect(await page.evaluate(device)).toBe(true)
      } finally {
        await other.close()
      }
    },
  )

  it('paints on several threads with onnxruntime’s own files, isolated', async () => {
    const runtime = await serveFolder('node_modules/onnxruntime-web/dist', () => CORS)
    try {
      sends.own = () => ISOLATED
      const options = JSON.stringify({ runtime: runtime.url, threads: 2, device: 'wasm' })
      await writeFile(
        join(root, 'own', 'threads.html'),
        `<!doctype html><script type="module">
          import { load } from '${sites.scripts.url}onestroke.js'
          const model = await load('${sites.models.url}', ${options})
          globalThis.image = await model.generate({ prompt: 'owl' })</script>`,
      )
      const asked: string[] = []
      page.on('request', (request) => asked.push(request.url()))
      await page.goto(`${sites.own.url}threads.html`)
      await page.waitForFunction(() => (globalThis as { image?: ImageData }).image?.width === 16)
      expect(asked).toContain(`${runtime.url}ort-wasm-simd-threaded.mjs`)
    } finally {
      await runtime.close()
    }
  })

  it('paints with the content security policy that the documentation names', async () => {
    const { scripts, models } = sites
    const [script, model] = [scripts, models].map(({ url }) => new URL(url).origin)
    const policy = [
      `default-src 'none'; img-src data:`,
      `script-src ${script} 'wasm-unsafe-eval'; worker-src blob: ${script}; connect-src ${script} ${model}`,
    ].join('; ')
    sends.own = () => ({ 'Content-Security-Policy': policy })
    await page.goto(sites.own.url)
    await painted()
    expect(forbidden).toEqual([])
  })

  it('says what a policy must allow where it allows no worker', async () => {
    sends.own = () => ({
      'Content-Security-Policy': `script-src ${new URL(sites.scripts.url).origin} 'wasm-unsafe-eval'; worker-src 'self'`,
    })
    await page.goto(sites.own.url)
    expect(await message()).toContain('must allow blob: and')
  })

  it.each([
    ['the model’s files', 'models', 'manifest.json'],
    ['the worker', 'scripts', 'worker'],
    ['onnxruntime’s WebAssembly', 'scripts', 'simd-threaded'],
  ] as const)('names the address and the header that is missing for %s', async (_, site, part) => {
    sends[site] = (path) => (path.includes(part) ? {} : CORS)
    await page.goto(sites.own.url)
    const { origin } = new URL(sites.own.url)
    const text = await message()
    expect(text).toMatch(
      new RegExp(`${sites[site].url}\\S*${part}\\S* may not be read by pages of ${origin}`),
    )
    expect(text).toContain(`must send the header Access-Control-Allow-Origin: ${origin}, or *`)
  })

  it('says that it cannot reach what is not there', async () => {
    const gone = await serveFolder(root)
    await gone.close()
    await page.goto(sites.own.url)
    await painted()
    await page.evaluate((url) => document.querySelector('one-stroke')!.setAttribute('src', url), gone.url)
    expect(await message()).toMatch(
      /^cannot reach http\S+manifest\.json: .*if it is there, its server must send/,
    )
  })
})
