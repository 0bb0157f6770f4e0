/** What the web runtime says when it cannot paint. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { StoredManifest } from '@onestroke/core/pipeline'
import type { ConsoleMessage } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { exportModel } from '../../packages/onestroke/src/export/index.js'
import { loadModel } from '../../packages/onestroke/src/model/index.js'
import { boundlessOwl } from '../../packages/onestroke/src/model/testing.js'
import { expectBuilt } from '../build.js'
import { describeInBrowser } from './describe.js'
import { openPages, type Web } from './testing.js'

expectBuilt('web')

declare const web: Web

describeInBrowser('the web runtime, when it cannot paint', () => {
  const { site, page } = openPages()

  beforeAll(async () => {
    const model = await loadModel('models/emoji-16-student')
    await exportModel({ model, out: join(site.folder, 'fixed'), dtype: 'fp32' })
  })

  const failure = (url: string, device: 'wasm' | 'webgpu' = 'wasm') =>
    page().evaluate(
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
    const broken = join(site.folder, 'broken')
    await cp(join(site.folder, 'model'), broken, { recursive: true })
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
    const manifest = await readFile(join(site.folder, 'model', 'manifest.json'))
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

  it('names the file in whose place a site for all addresses sends its own page', async () => {
    const answers = (file: string) =>
      page().evaluate(
        (file) => fetch(file).then(({ status, headers }) => [status, headers.get('content-type')]),
        file,
      )
    for (const [folder, left, missing, expected] of [
      ['no-graph', 'manifest.json', 'model.onnx', /model\.onnx is not the graph that its manifest describes/],
      ['no-manifest', 'model.onnx', 'manifest.json', /manifest\.json is not JSON: Unexpected token '<'/],
    ] as const) {
      const path = join(site.folder, folder)
      await cp(join(site.folder, 'model', left), join(path, left))
      expect(await answers(`${folder}/${missing}`)).toEqual([200, expect.stringMatching(/^text\/html/)])
      expect(await failure(`${folder}/`)).toMatch(expected)
    }
  })

  it('tries a device before it relies on it', async () => {
    const misled = join(site.folder, 'misled')
    await cp(join(site.folder, 'model'), misled, { recursive: true })
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
    [{ steps: '-1' }, 'steps is a whole number from 1 to 128, not "-1"'],
    [{ 'guidance-scale': '101' }, 'guidance-scale is a number from 0 to 100, not "101"'],
    [
      { 'guidance-scale': '50' },
      'this student learned guidance scales from 1 to 3, and not 50; choose one between them, or distil with a wider range',
    ],
    [
      { src: 'fixed/', 'guidance-scale': '2' },
      'this student has no guidance input: guidance was fixed when it was distilled; leave out guidance-scale',
    ],
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
      page().on('console', listen)
      const { message, shown, hidden, mended } = await page().evaluate(async (attributes) => {
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
      page().off('console', listen)
      if (typeof expected === 'string') expect(message).toBe(expected)
      else expect(message).toMatch(expected)
      expect([shown, hidden, mended]).toEqual([message, true, true])
      expect(logged).toContain(`<one-stroke>: ${message}`)
    },
  )

  it('keeps no other <one-stroke> from painting', async () => {
    const ends = await page().evaluate(() => {
      const endOf = (attributes: Record<string, string>) => {
        const element = document.createElement('one-stroke')
        const ended = new Promise<string | number>((resolve) => {
          element.addEventListener('error', ({ message }) => resolve(message), { once: true })
          element.addEventListener(
            'painted',
            () => resolve(element.shadowRoot!.querySelector('canvas')!.width),
            { once: true },
          )
        })
        for (const [name, value] of Object.entries({ src: 'model/', device: 'wasm', ...attributes }))
          element.setAttribute(name, value)
        document.body.append(element)
        return ended
      }
      return Promise.all([endOf({ steps: '999' }), endOf({ 'guidance-scale': '50' }), endOf({ steps: '1' })])
    })
    expect(ends).toEqual([
      'steps is a whole number from 1 to 128, not "999"',
      expect.stringMatching(/^this student learned guidance scales/),
      16,
    ])
  })

  it('says of a model that paints no picture that it does', async () => {
    const model = await loadModel(await boundlessOwl(site.folder))
    await exportModel({ model, out: join(site.folder, 'boundless'), dtype: 'fp32' })
    const message = await page().evaluate(async () => {
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

  it('says so in the page of an export, too, until there is a picture again', async () => {
    const model = await loadModel(await boundlessOwl(site.folder))
    const out = join(site.folder, 'page')
    await exportModel({ model, out, dtype: 'fp32', target: 'web' })
    await page().goto(`${site.site.url}page/`)
    const said = page().locator('#said')
    await said.getByText(/^[\d.]+ ms on /).waitFor()
    await page().fill('#prompt', 'owl')
    await said.getByText(/^the model painted values that are not finite, which is no picture; copy/).waitFor()
    expect(await page().locator('#picture [part=message]').textContent()).toBe(await said.textContent())
    await page().fill('#prompt', 'pizza')
    await said.getByText(/^[\d.]+ ms on /).waitFor()
    expect(await page().locator('#picture canvas').isVisible()).toBe(true)
  })
})
