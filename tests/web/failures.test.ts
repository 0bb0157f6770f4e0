/** What the web runtime says when it cannot paint. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { StoredManifest } from '@onestroke/core/pipeline'
import type { ConsoleMessage, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { exportModel } from '../../packages/onestroke/src/export/index.js'
import { loadModel } from '../../packages/onestroke/src/model/index.js'
import { boundlessOwl } from '../../packages/onestroke/src/model/testing.js'
import { browserLacks } from './browser.js'
import { type Web, WebPage } from './testing.js'

declare const web: Web

const DESCRIBED = `the web runtime, when it cannot paint${browserLacks ? `: ${browserLacks}` : ''}`

describe.skipIf(browserLacks !== undefined)(DESCRIBED, () => {
  let opened: WebPage
  let page: Page

  beforeAll(async () => {
    opened = await WebPage.open()
  })
  afterAll(() => opened?.close())
  beforeEach(async () => {
    page = await opened.visit()
  })
  afterEach(() => page.close())
  const failure = (url: string, device: 'wasm' | 'webgpu' = 'wasm') =>
    page.evaluate(
      ([url, device]) =>
        web.load(url, { device }).then(
          () => 'loaded',
          ({ message, remedy }) => (remedy ? `${message}; ${remedy}` : message),
        ),
      [url, device] as const,
    )

  it('says what is wrong', async () => {
    expect(await failure('nowhere/')).toMatch(
      /nowhere\/manifest\.json (: 404|is not JSON)|cannot load .*nowhere/,
    )
    expect(await failure('model/', 'webgpu')).toBe('this browser cannot run the model (webgpu: no adapter)')
    const broken = join(opened.site.folder, 'broken')
    await cp(join(opened.site.folder, 'model'), broken, { recursive: true })
    const graph = await readFile(join(broken, 'model.onnx'))
    graph[1000]! ^= 1
    await writeFile(join(broken, 'model.onnx'), graph)
    expect(await failure('broken/')).toMatch(
      /model\.onnx is not the graph that its manifest describes: .*; upload both files of the export again$/,
    )
    await writeFile(join(broken, 'manifest.json'), '{"format":"onestroke-export/2"}')
    expect(await failure('broken/')).toMatch(
      /is not a manifest of onestroke-export\/1, but of onestroke-export\/2; write it with onestroke export$/,
    )
  })

  it('names the file that breaks off, and what to do', async () => {
    const manifest = await readFile(join(opened.site.folder, 'model', 'manifest.json'))
    const server = createServer((request, response) => {
      const isGraph = request.url!.endsWith('model.onnx')
      response.writeHead(200, {
        'access-control-allow-origin': '*',
        'content-length': isGraph ? 1000 : manifest.length,
      })
      if (isGraph) response.write(Buffer.alloc(400), () => response.destroy())
      else response.end(manifest)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const { bytes } = (JSON.parse(manifest.toString()) as StoredManifest).graph!
    expect(await failure(url)).toMatch(
      new RegExp(
        `^${url}model\\.onnx broke off after \\d+ of ${bytes} bytes: .*; load it again; if it breaks off again, look whether the server has the whole file$`,
      ),
    )
    server.closeAllConnections()
    server.close()
  })

  it('tries a device before it relies on it', async () => {
    const misled = join(opened.site.folder, 'misled')
    await cp(join(opened.site.folder, 'model'), misled, { recursive: true })
    const manifest = JSON.parse(await readFile(join(misled, 'manifest.json'), 'utf8'))
    // The graph can be loaded, and then not be run.
    manifest.graph.inputs.sigma = [null, 2]
    await writeFile(join(misled, 'manifest.json'), JSON.stringify(manifest))
    expect(await failure('misled/')).toMatch(/^this browser cannot run the model \(wasm: .*sigma/)
  })

  it.each([
    [{ steps: 'two' }, 'steps is a whole number from 1 to 128, not "two"'],
    [{ steps: '999' }, 'steps is a whole number from 1 to 128, not "999"'],
    [{ seed: '' }, 'seed is a whole number from 0 to 4294967295, or -1 or random, which draw one, not ""'],
    [{ 'guidance-scale': '50' }, /^this student learned guidance scales from 1 to 3, and not 50; choose/],
    [{ src: 'nowhere/' }, /nowhere\/manifest\.json/],
    [{ src: null }, 'src is missing: it is the folder that onestroke export wrote'],
    [{ device: 'gpu' }, 'device is webgpu or wasm, not "gpu"'],
  ] as [Record<string, string | null>, string | RegExp][])(
    'says in the picture’s place what is wrong with <one-stroke>: %j',
    async (attributes, expected) => {
      const logged: string[] = []
      const listen = (message: ConsoleMessage) => {
        if (message.type() === 'error') logged.push(message.text())
      }
      page.on('console', listen)
      const { message, shown, hidden, mended } = await page.evaluate(async (attributes) => {
        const element = document.createElement('one-stroke')
        const once = <Type extends Event>(type: string) =>
          new Promise<Type>((resolve) =>
            element.addEventListener(type, (event) => resolve(event as Type), { once: true }),
          )
        const failed = once<ErrorEvent>('error')
        for (const [name, value] of Object.entries({ src: 'model/', device: 'wasm', ...attributes }))
          if (value !== null) element.setAttribute(name, value)
        document.body.append(element)
        const { message } = await failed
        const [canvas, text] = ['canvas', '[part=message]'].map(
          (selector) => element.shadowRoot!.querySelector<HTMLElement>(selector)!,
        )
        const [shown, hidden] = [text!.checkVisibility() && text!.textContent, !canvas!.checkVisibility()]
        const painted = once('painted')
        for (const name of Object.keys(attributes)) element.removeAttribute(name)
        element.setAttribute('src', 'model/')
        await painted
        const mended = canvas!.checkVisibility() && !text!.checkVisibility()
        element.remove()
        return { message, shown, hidden, mended }
      }, attributes)
      page.off('console', listen)
      expect(message).toMatch(expected)
      expect([shown, hidden, mended]).toEqual([message, true, true])
      expect(logged).toContain(`<one-stroke>: ${message}`)
    },
  )

  it('says of a model that paints no picture that it does', async () => {
    const model = await loadModel(await boundlessOwl(opened.site.folder))
    await exportModel({ model, out: join(opened.site.folder, 'boundless'), dtype: 'fp32' })
    const message = await page.evaluate(async () => {
      const element = document.createElement('one-stroke')
      const ended = new Promise<string>((resolve) => {
        element.addEventListener('error', ({ message }) => resolve(message), { once: true })
        element.addEventListener('painted', () => resolve('painted'), { once: true })
      })
      for (const [name, value] of Object.entries({ src: 'boundless/', device: 'wasm', prompt: 'owl' }))
        element.setAttribute(name, value)
      document.body.append(element)
      return ended
    })
    expect(message).toMatch(/^the model painted values that are not finite, which is no picture; copy or/)
  })
})
