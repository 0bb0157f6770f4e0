/** The folder of `export --target web`: a page from any static server, and all that a page of one's own needs. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { webFiles } from '../../packages/onestroke/src/export/web.js'
import { expectBuilt } from '../build.js'
import { fails, succeeds } from '../cli/testing.js'
import { launch, serveFolder } from './browser.js'
import { describeInBrowser } from './describe.js'

expectBuilt('web')

const root = await mkdtemp(join(tmpdir(), 'onestroke-folder-'))
const folder = join(root, 'some where', 'emoji')
const args = (out: string) => [
  'export',
  'models/emoji-16-guided',
  '--out',
  out,
  '--target',
  'web',
  '--dtype',
  'int8',
]
let said = ''

beforeAll(async () => {
  said = (await succeeds(args(folder))).stderr
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe('export --target web', () => {
  it('writes a page, the runtime and the model, and says what they weigh', async () => {
    const names = (await readdir(folder, { recursive: true })).map((name) =>
      name.replace(/-[\w-]{8}(?=\.\w+$)/, ''),
    )
    expect(names.sort()).toEqual(
      [
        'index.html',
        'manifest.json',
        'model.onnx',
        'onestroke.js',
        'page.css',
        'page.js',
        'runtime',
        ...['', '.jspi', '.asyncify'].map((build) => `runtime/ort-wasm-simd-threaded${build}.wasm`),
        ...['wasm', 'jspi', 'webgpu'].map((build) => `runtime/ort.${build}.bundle.min.js`),
        ...['rolldown-runtime.js', 'worker.js'].map((n) => `runtime/${n}`),
      ].sort(),
    )
    const size = '([\\d.]+) MB \\(gzip [\\d.]+ MB\\)'
    const line = `the folder: ([\\d.]+) MB; a visitor loads ${size}, with WebGPU ${size}, in browsers without JSPI ${size}\n`
    const [, whole, ...loads] = new RegExp(line).exec(said)!.map(Number)
    expect([...loads].sort((a, b) => a - b)).toEqual(loads)
    expect(loads.at(-1)).toBeLessThan(whole! - loads[0]!)
    expect(said).toContain(`npx serve ${folder}`)
  })

  it('keeps the project’s own share of the runtime within 30 kB, gzipped', async () => {
    const files = (await readdir(folder, { recursive: true })).filter(
      (name) => /^(onestroke\.js|runtime\/.*\.js)$/.test(name) && !name.startsWith('runtime/ort.'),
    )
    const sizes = await Promise.all(
      files.map(async (name) => gzipSync(await readFile(join(folder, name))).length),
    )
    expect(sizes.length).toBeGreaterThan(1)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(30_000)
  })

  it('replaces an earlier runtime, and nobody else’s page', async () => {
    const again = join(root, 'again')
    await cp(folder, again, { recursive: true })
    await writeFile(join(again, 'runtime', 'worker-earlier0.js'), '')
    await succeeds(args(again))
    expect((await readdir(join(again, 'runtime'))).sort()).toEqual(
      (await readdir(join(folder, 'runtime'))).sort(),
    )
    const site = join(root, 'site')
    await mkdir(site)
    await writeFile(join(site, 'index.html'), 'mine')
    expect(await fails(args(site), 2)).toMatch(/index\.html is not of an export, and would be overwritten;/)
    expect(await readdir(site)).toEqual(['index.html'])
    const scripts = join(root, 'scripts')
    await mkdir(scripts)
    await writeFile(join(scripts, 'page.js'), 'mine')
    expect(await fails(args(scripts), 2)).toMatch(/page\.js is not of an export, and would be overwritten;/)
    // A page of one's own beside an export stays, too.
    await writeFile(join(again, 'index.html'), 'mine')
    expect(await fails(args(again), 2)).toMatch(/index\.html is not of an export, and would be overwritten;/)
    await rm(join(again, 'index.html'))
    await succeeds(args(again))
  })

  it('says so where the bundle is missing', async () => {
    const missing = pathToFileURL(join(root, 'web.json'))
    await expect(webFiles(join(root, 'new'), { list: missing })).rejects.toThrow(
      'the files for the web have not been built',
    )
  })
})

describeInBrowser('the page of export --target web', () => {
  let [site, browser]: [Awaited<ReturnType<typeof serveFolder>>, Browser] = [] as never
  let [context, page]: [BrowserContext, Page] = [] as never
  const problems: string[] = []

  beforeAll(async () => {
    site = await serveFolder(root)
    browser = await launch()
    // One for all pages: what it has compiled of onnxruntime stays.
    context = await browser.newContext()
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })
  beforeEach(async () => {
    page = await context.newPage()
    problems.length = 0
    page.on('pageerror', ({ message }) => problems.push(message))
    page.on('console', (message) => {
      if (/Content.Security.Policy|src is missing/i.test(message.text())) problems.push(message.text())
    })
  })
  afterEach(() => page.close())

  const painted = () =>
    page.waitForFunction(() =>
      /^[\d.]+ ms on WebAssembly$/.test(document.querySelector('#said')!.textContent!),
    )
  /** Waits until the picture is another one. */
  const pictureAfter = (before: string) =>
    page
      .waitForFunction((before) => {
        const { shadowRoot } = document.querySelector('#picture')!
        const now = shadowRoot!.querySelector('canvas')!.toDataURL()
        return now !== before && now
      }, before)
      .then((found) => found.jsonValue() as Promise<string>)

  it.each(['some%20where/emoji/', 'some%20where/emoji'])('paints at /%s, not isolated', async (path) => {
    await page.goto(site.url + path)
    await painted()
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(false)
    const first = await pictureAfter('')
    await page.fill('#prompt', 'red heart')
    const heart = await pictureAfter(first)
    await page.getByRole('button', { name: 'Seed 2' }).click()
    const third = await pictureAfter(heart)
    await page.waitForFunction(() => {
      const others = [...document.querySelectorAll('#seeds one-stroke')]
      const isPainted = (one: Element) => one.shadowRoot!.querySelector('canvas')!.width === 16
      return others.length === 8 && others.every(isPainted)
    })
    await page.fill('#steps', '4')
    const four = await pictureAfter(third)
    const script = '<script type="module" src="emoji/onestroke.js"></script>'
    const shown = '<one-stroke src="emoji/" prompt="red heart" seed="2" steps="4"'
    expect(await page.textContent('#element')).toBe(`${script}\n${shown}></one-stroke>`)
    expect(await page.isDisabled('#negative')).toBe(true)
    await page.fill('#guidance', '2')
    const guided = await pictureAfter(four)
    await page.fill('#negative', 'red')
    await pictureAfter(guided)
    const guidance = 'guidance-scale="2" negative-prompt="red"'
    expect(await page.textContent('#element')).toBe(`${script}\n${shown} ${guidance}></one-stroke>`)
    expect(await page.textContent('#library')).toContain(
      'generate({ prompt: "red heart", seed: 2, steps: 4, guidance_scale: 2, negative_prompt: "red" })',
    )
    expect(problems).toEqual([])
  })

  it('says which words the model does not know, once they are whole', async () => {
    await page.goto(`${site.url}some%20where/emoji/`)
    await painted()
    const notes = page.locator('#notes')
    const strange = 'The model has not seen "spaceship"; it goes by similar spelling.'
    await page.fill('#prompt', 'spaceship')
    await notes.getByText(strange).waitFor()
    await page.fill('#prompt', 'red heart')
    await expect.poll(() => notes.textContent()).toBe('')
    // "hea" is the begin of a word: it is judged when the field is left.
    const before = await pictureAfter('')
    await page.fill('#prompt', 'red hea')
    await pictureAfter(before)
    expect(await notes.textContent()).toBe('')
    await page.locator('#prompt').blur()
    expect(await notes.textContent()).toBe('The model has not seen "hea"; it goes by similar spelling.')
    await page.locator('#ideas button').first().click()
    await expect.poll(() => notes.textContent()).toBe('')
    await page.fill('#guidance', '2')
    await page.fill('#negative', 'spaceship')
    await notes.getByText(strange).waitFor()
    expect(problems).toEqual([])
  })

  it('says at the field which seeds there are, and draws one where -1 or random is typed', async () => {
    await page.goto(`${site.url}some%20where/emoji/`)
    await painted()
    const seed = page.getByLabel('Seed', { exact: true })
    await seed.fill('5')
    for (const typed of ['1.5', '-2', '4294967296', '', 'owl']) {
      await seed.fill(typed)
      expect([await seed.inputValue(), await seed.getAttribute('aria-invalid')]).toEqual([typed, 'true'])
      expect(await page.locator('#no-seed').textContent()).toBe(
        'A seed is a whole number from 0 to 4294967295, or -1 or random, which draw one.',
      )
      expect(await page.textContent('#element')).toContain(' seed="5" ')
      await seed.blur()
      expect([await seed.inputValue(), await seed.getAttribute('aria-invalid')]).toEqual(['5', 'false'])
      expect(await page.locator('#no-seed').textContent()).toBe('')
    }
    for (const typed of ['-1', 'random']) {
      await seed.fill(typed)
      const drawn = await seed.inputValue()
      expect(drawn).toMatch(/^\d+$/)
      expect(await page.textContent('#element')).toContain(` seed="${drawn}" `)
    }
    expect(problems).toEqual([])
  })

  it('paints at an address that is neither https nor localhost, as for a phone at home', async () => {
    const name = 'machine.test'
    const phone = await launch(`--host-resolver-rules=MAP ${name} 127.0.0.1`)
    try {
      page = await phone.newPage()
      const at = `${site.url.replace('127.0.0.1', name)}some%20where/`
      await page.goto(`${at}emoji/`)
      expect(await page.evaluate(() => isSecureContext)).toBe(false)
      await painted()
      await page.getByRole('button', { name: 'Copy' }).first().click()
      await page.getByRole('button', { name: 'Selected' }).waitFor()
      expect(await page.evaluate(() => String(getSelection()))).toContain('<one-stroke src="emoji/"')
      const short = join(root, 'some where', 'short')
      await cp(folder, short, { recursive: true })
      await writeFile(join(short, 'model.onnx'), (await readFile(join(short, 'model.onnx'))).subarray(9))
      await page.goto(`${at}short/`)
      await page
        .getByText(/model\.onnx is not the graph that its manifest describes: \d+ bytes, /)
        .first()
        .waitFor()
    } finally {
      await phone.close()
    }
  })

  it('is legible on a phone: nothing wider than the screen, in light and in dark', async () => {
    await page.setViewportSize({ width: 390, height: 844 })
    await page.goto(`${site.url}some%20where/emoji/`)
    await painted()
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    }
  })

  it('works in a page of one’s own as it says: as an element and as a library', async () => {
    await page.goto(`${site.url}some%20where/emoji/`)
    await painted()
    const [element, library] = await Promise.all([page.textContent('#element'), page.textContent('#library')])
    const tell = 'Object.assign(globalThis, { image })'
    const script = `<script type="module">${library}\n${tell}</script>`
    await writeFile(join(root, 'some where', 'own.html'), `<!doctype html>${element}${script}`)
    await page.goto(`${site.url}some%20where/own.html`)
    const size = await page.waitForFunction(() => (globalThis as { image?: ImageData }).image?.width)
    expect(await size.jsonValue()).toBe(16)
    await page.waitForFunction(
      () => document.querySelector('one-stroke')!.shadowRoot!.querySelector('canvas')!.width === 16,
    )
    expect(problems).toEqual([])
  })

  it('works where a content security policy lets pages run their own scripts and WebAssembly, and nothing else', async () => {
    const html = `<!doctype html><script type="module" src="emoji/onestroke.js"></script><one-stroke src="emoji/" seed="1">`
    await writeFile(join(root, 'some where', 'strict.html'), html)
    const policy = `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'`
    await page.route('**/*', async (route) => {
      const response = await route.fetch()
      const headers = { ...response.headers(), 'content-security-policy': policy }
      await route.fulfill({ response, headers })
    })
    await page.goto(`${site.url}some%20where/strict.html`)
    await page.waitForFunction(() => {
      const element = document.querySelector('one-stroke')!
      return element.shadowRoot?.querySelector('canvas')?.width === 16
    })
    expect(await page.evaluate(() => document.querySelector('one-stroke')!.clientWidth)).toBe(128)
    expect(problems.filter((problem) => !problem.includes('favicon'))).toEqual([])
  })

  it('may load and run nothing but its own files', async () => {
    await page.goto(`${site.url}some%20where/emoji/`)
    const refused = (attempt: () => unknown) =>
      page.evaluate(
        (attempt) =>
          new Promise<string>((resolve) => {
            document.addEventListener(
              'securitypolicyviolation',
              ({ effectiveDirective }) => resolve(effectiveDirective),
              { once: true },
            )
            const script = new Function(`return (${attempt})()`)
            void Promise.resolve(script()).catch(() => {})
          }),
        String(attempt),
      )
    expect(await refused(() => fetch('https://elsewhere.example/'))).toBe('connect-src')
    expect(
      await refused(() => {
        const script = document.createElement('script')
        script.textContent = 'document.title = "not mine"'
        document.head.append(script)
      }),
    ).toBe('script-src-elem')
    expect(await page.title()).toBe('One stroke')
    // What was tried was complained of; nothing else was.
    for (const tried of [/elsewhere\.example/, /inline script/])
      await expect.poll(() => problems).toContainEqual(expect.stringMatching(tried))
    expect(problems.every((problem) => /elsewhere\.example|inline script/.test(problem))).toBe(true)
  })

  it('says that it must be served when it was opened as a file', async () => {
    await page.goto(pathToFileURL(join(folder, 'index.html')).href)
    expect(await page.textContent('#said')).toMatch(/Serve the folder, for instance with npx serve/)
  })
})
