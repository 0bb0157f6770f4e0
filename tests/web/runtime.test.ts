/** The web runtime in a real browser, with the shipped student: what it paints, and what it says when it cannot. */
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type StoredManifest, toRGBA } from '@onestroke/core/pipeline'
import type { Browser, BrowserContext, ConsoleMessage, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { exportModel } from '../../packages/onestroke/src/export/index.js'
import { loadModel, Model } from '../../packages/onestroke/src/model/index.js'
import { boundlessOwl, withMoreWords } from '../../packages/onestroke/src/model/testing.js'
import { expectBuilt } from '../build.js'
import { browserLacks, launch, launchWebgpu, losableDevices, serveBuilt, webgpuLacks } from './browser.js'

expectBuilt('library')

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })
const STUDENT = 'models/emoji-16-guided'

type Web = typeof import('@onestroke/core/web')
declare const web: Web

const PROMPTS = ['red heart', 'cat face']

/** Expects RGBA pictures of PROMPTS, seed 7 and two steps to be Node's, but for so many of 255. */
const expectNode = async (images: readonly (readonly number[])[], tolerance: number, guidance = {}) => {
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

describe.skipIf(browserLacks !== undefined)(
  `the web runtime${browserLacks ? `: ${browserLacks}` : ''}`,
  () => {
    let [site, browser]: [Awaited<ReturnType<typeof serveBuilt>>, Browser] = [] as never
    let [context, page]: [BrowserContext, Page] = [] as never

    beforeAll(async () => {
      site = await serveBuilt('tests/web/page')
      const model = await loadModel(STUDENT)
      await exportModel({ model, out: join(site.folder, 'model'), dtype: 'fp32' })
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
      await page.goto(site.url)
      await page.waitForFunction(() => 'web' in globalThis)
    })
    afterEach(() => page.close())

    it('paints Node’s pictures, byte for byte but for rounding', async () => {
      const found = await page.evaluate(async (prompts) => {
        const model = await web.load('model/', { device: 'wasm' })
        const images = await model.generateBatch({ prompts, seed: 7, steps: 2 })
        const one = await model.generate({ prompt: 'red heart', seed: 7, steps: 2 })
        return {
          images: images.map(({ data }) => [...data]),
          one: [...one.data],
          isolated: crossOriginIsolated,
        }
      }, PROMPTS)
      expect(found.isolated).toBe(true)
      await expectNode(found.images, 1)
      expect(
        Math.max(...found.one.map((byte, i) => Math.abs(byte - found.images[0]![i]!))),
      ).toBeLessThanOrEqual(1)
    })

    it('is guided, and led away from words, as in Node', async () => {
      const guidance = { guidance_scale: 2.5, negative_prompt: 'noto' }
      const images = await page.evaluate(
        async ({ prompts, guidance }) => {
          const model = await web.load('model/', { device: 'wasm' })
          const images = await model.generateBatch({ prompts, seed: 7, steps: 2, ...guidance })
          return images.map(({ data }) => [...data])
        },
        { prompts: PROMPTS, guidance },
      )
      await expectNode(images, 1, guidance)
      await expect(expectNode(images, 1)).rejects.toThrow()
    })

    it('paints with a model of many words, which takes the entries of a prompt', async () => {
      const model = withMoreWords(await loadModel(STUDENT), 5000)
      const { manifest } = await exportModel({ model, out: join(site.folder, 'many'), dtype: 'fp32' })
      expect(Object.keys(manifest.graphs.denoiser.inputs)).toContain('negative_entry_weights')
      const guidance = { guidance_scale: 2.5, negative_prompt: 'noto' }
      const images = await page.evaluate(
        async ({ prompts, guidance }) => {
          const model = await web.load('many/', { device: 'wasm' })
          const images = await model.generateBatch({ prompts, seed: 7, steps: 2, ...guidance })
          return images.map(({ data }) => [...data])
        },
        { prompts: PROMPTS, guidance },
      )
      // The same model with its own words alone.
      await expectNode(images, 1, guidance)
    })

    it('shows every step on the way, the last of them the picture', async () => {
      const { steps, same } = await page.evaluate(async () => {
        const model = await web.load('model/', { device: 'wasm' })
        const previews = []
        for await (const preview of model.stream({ prompt: 'owl', seed: 3, steps: 4 })) previews.push(preview)
        const image = await model.generate({ prompt: 'owl', seed: 3, steps: 4 })
        const last = previews.at(-1)!.images[0]!.data
        return {
          steps: previews.map(({ step, last }) => [step, last]),
          same: image.data.every((byte, i) => byte === last[i]),
        }
      })
      expect(steps).toEqual([
        [1, false],
        [2, false],
        [3, false],
        [4, false],
        [4, true],
      ])
      expect(same).toBe(true)
    })

    it('stops when it is told to, and goes on with what comes next', async () => {
      const { reasons, size, over } = await page.evaluate(async () => {
        const model = await web.load('model/', { device: 'wasm' })
        const reasonOf = (promise: Promise<unknown>) =>
          promise.then(() => 'painted').catch((error) => error.name)
        const [early, late] = [new AbortController(), new AbortController()]
        early.abort()
        const first = reasonOf(model.generate({ prompt: 'owl', signal: early.signal }))
        const second = reasonOf(
          model.generateBatch({ prompts: Array(32).fill('owl'), steps: 4, signal: late.signal }),
        )
        setTimeout(() => late.abort(), 5)
        const reasons = [await first, await second]
        // One that waits behind another does not wait for it to be told.
        const long = model.generateBatch({ prompts: Array(64).fill('owl'), steps: 4 })
        let done = false
        void long.then(() => {
          done = true
        })
        const behind = new AbortController()
        const third = reasonOf(model.generate({ prompt: 'owl', signal: behind.signal }))
        behind.abort()
        reasons.push(await third, String(done))
        await long
        const { width, height } = await model.generate({ prompt: 'owl' })
        const said = (promise: Promise<unknown>) => promise.catch(({ message }) => message)
        const last = said(model.generate({ prompt: 'owl' }))
        model.release()
        const over = [await last, await said(model.generate({ prompt: 'owl' }))]
        return { reasons, size: [width, height], over }
      })
      expect(reasons).toEqual(['AbortError', 'AbortError', 'AbortError', 'false'])
      expect(over).toEqual(['the model was released', 'the model was released'])
      expect(size).toEqual([16, 16])
    })

    it('keeps the graph, and paints without a network', async () => {
      const fetched: string[] = []
      page.on('request', (request) => fetched.push(new URL(request.url()).pathname))
      const loadAgain = () =>
        page.evaluate(async () => {
          const seen: number[][] = []
          const model = await web.load('model/', {
            device: 'wasm',
            onProgress: (loaded, total) => seen.push([loaded, total]),
          })
          model.release()
          return seen.at(-1)!
        })
      const { graph } = JSON.parse(
        await readFile(join(site.folder, 'model/manifest.json'), 'utf8'),
      ) as StoredManifest
      await page.evaluate(() => caches.delete('onestroke'))
      expect(await loadAgain()).toEqual([graph!.bytes, graph!.bytes])
      const kept = await page.evaluate(async () => (await (await caches.open('onestroke')).keys()).length)
      expect(kept).toBe(1)
      await page.route('**/model.onnx', (route) => route.abort())
      expect(await loadAgain()).toEqual([graph!.bytes, graph!.bytes])
    })

    it('paints with a manifest that names its graphs', async () => {
      const named = join(site.folder, 'named')
      await cp(join(site.folder, 'model'), named, { recursive: true })
      const { graph, ...rest } = JSON.parse(await readFile(join(named, 'manifest.json'), 'utf8'))
      const manifest = { ...rest, space: { kind: 'pixels' }, graphs: { denoiser: graph } }
      await writeFile(join(named, 'manifest.json'), JSON.stringify(manifest))
      const images = await page.evaluate(async (prompts) => {
        const model = await web.load('named/', { device: 'wasm' })
        const images = await model.generateBatch({ prompts, seed: 7, steps: 2 })
        return images.map(({ data }) => [...data])
      }, PROMPTS)
      await expectNode(images, 1)
    })

    it('takes onnxruntime’s files from where they are said to be, with a slash or without', async () => {
      const ort = join(site.folder, 'ort')
      await mkdir(ort)
      for (const end of ['mjs', 'wasm']) {
        const name = `ort-wasm-simd-threaded.${end}`
        await cp(join('node_modules/onnxruntime-web/dist', name), join(ort, name))
      }
      const fetched: string[] = []
      page.on('request', (request) => fetched.push(new URL(request.url()).pathname))
      for (const runtime of ['ort', 'ort/']) {
        const width = await page.evaluate(async (runtime) => {
          const model = await web.load('model/', { device: 'wasm', runtime, threads: 1 })
          return (await model.generate({ prompt: 'owl' })).width
        }, runtime)
        expect(width).toBe(16)
      }
      expect(fetched.filter((path) => path.startsWith('/ort/')).length).toBeGreaterThan(0)
      expect(fetched.filter((path) => path.startsWith('/ortort'))).toEqual([])
    })

    it('paints also where the browser’s cache is broken', async () => {
      const worker = (await readdir(join(site.folder, 'assets'))).find((name) => name.startsWith('worker'))!
      await page.route(`**/${worker}`, async (route) => {
        const response = await route.fetch()
        const broken = ['match', 'put', 'delete', 'keys'].map(
          (name) => `Cache.prototype.${name} = () => Promise.reject(new Error('${name} is broken'));`,
        )
        await route.fulfill({ response, body: `${broken.join('')}${await response.text()}` })
      })
      const size = await page.evaluate(async () => {
        const model = await web.load('model/?v=2#first', { device: 'wasm' })
        return (await model.generate({ prompt: 'owl' })).width
      })
      expect(size).toBe(16)
    })

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
      [{ 'guidance-scale': '50' }, /^this student learned guidance scales from 1 to 3, and not 50; choose/],
      [{ src: 'nowhere/' }, /nowhere\/manifest\.json/],
    ] as [Record<string, string>, string | RegExp][])(
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
            element.setAttribute(name, value)
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

    it('follows <one-stroke> while an attribute changes faster than it paints', async () => {
      const { seen, last, expected } = await page.evaluate(async () => {
        const element = document.createElement('one-stroke')
        let seen = 0
        element.addEventListener('painted', () => seen++)
        const painted = () =>
          new Promise((resolve) => element.addEventListener('painted', resolve, { once: true }))
        const pixels = () => {
          const canvas = element.shadowRoot!.querySelector('canvas')!
          return [...canvas.getContext('2d')!.getImageData(0, 0, 16, 16).data]
        }
        // Many steps, so that no picture is done within the time of a change.
        for (const [name, value] of Object.entries({ src: 'model/', device: 'wasm', steps: '64' }))
          element.setAttribute(name, value)
        const ready = painted()
        document.body.append(element)
        await ready
        seen = 0
        let seed = 0
        await new Promise<void>((resolve) => {
          const timer = setInterval(() => {
            element.setAttribute('seed', String(++seed))
            if (seen < 3) return
            clearInterval(timer)
            resolve()
          }, 2)
        })
        const whileChanging = seen
        const model = await web.load('model/', { device: 'wasm' })
        const expected = [...(await model.generate({ seed, steps: 64 })).data]
        // One picture may be on its way; then comes the newest.
        let last = pixels()
        for (let i = 0; i < 600 && last.some((value, k) => value !== expected[k]); i++) {
          await new Promise((resolve) => setTimeout(resolve, 100))
          last = pixels()
        }
        model.release()
        element.remove()
        return { seen: whileChanging, last, expected }
      })
      expect(seen).toBe(3)
      expect(last).toEqual(expected)
    })

    it('says of a model that paints no picture that it does', async () => {
      const model = await loadModel(await boundlessOwl(site.folder))
      await exportModel({ model, out: join(site.folder, 'boundless'), dtype: 'fp32' })
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

    it('loads nothing for an element that has gone before it could', async () => {
      const fetched: string[] = []
      page.on('request', (request) => fetched.push(request.url()))
      await page.evaluate(async () => {
        const element = document.createElement('one-stroke')
        for (const [name, value] of Object.entries({ src: 'model/', device: 'wasm' }))
          element.setAttribute(name, value)
        document.body.append(element)
        element.remove()
        await new Promise((resolve) => setTimeout(resolve, 200))
      })
      expect(fetched).toEqual([])
    })

    it('paints <one-stroke>, and again when an attribute changes', async () => {
      const painted = await page.evaluate(async () => {
        const element = document.createElement('one-stroke')
        const next = () =>
          new Promise((resolve) => element.addEventListener('painted', resolve, { once: true }))
        const pixels = () => {
          const canvas = element.shadowRoot!.querySelector('canvas')!
          return [...canvas.getContext('2d')!.getImageData(0, 0, 16, 16).data]
        }
        const set = async (attributes: Record<string, string>) => {
          const done = next()
          for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
          await done
          return pixels()
        }
        document.body.append(element)
        const heart = { src: 'model/', device: 'wasm', prompt: 'red heart', seed: '1', steps: '1' }
        const [first, other, again] = [await set(heart), await set({ prompt: 'owl' }), await set(heart)]
        const guided = await set({ 'guidance-scale': '2.5' })
        const led = await set({ 'negative-prompt': 'noto' })
        return {
          first,
          other,
          again,
          guided,
          led,
          label: element.shadowRoot!.querySelector('canvas')!.getAttribute('aria-label'),
        }
      })
      expect(painted.first).not.toEqual(painted.other)
      expect(painted.first).toEqual(painted.again)
      expect(painted.guided).not.toEqual(painted.again)
      expect(painted.led).not.toEqual(painted.guided)
      expect(painted.label).toBe('red heart')
    })

    it('draws a seed for <one-stroke>, keeps it until the attribute is set again, and says what is not known', async () => {
      const { told, pictures, title, known } = await page.evaluate(async () => {
        const element = document.createElement('one-stroke')
        document.body.append(element)
        const canvas = element.shadowRoot!.querySelector('canvas')!
        const set = async (attributes: Record<string, string>) => {
          const painted = new Promise<CustomEvent>((resolve) =>
            element.addEventListener('painted', (event) => resolve(event as CustomEvent), { once: true }),
          )
          for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
          const { detail } = await painted
          return { seed: detail.seed as number, picture: canvas.toDataURL() }
        }
        const first = await set({ src: 'model/', device: 'wasm', prompt: 'spaceship', seed: 'random' })
        const { title } = canvas
        const other = await set({ prompt: 'owl' })
        const second = await set({ seed: '-1' })
        const again = await set({ seed: String(first.seed), prompt: 'spaceship' })
        const cat = await set({ prompt: 'owl' })
        const all = [first, other, second, again, cat]
        return {
          told: all.map(({ seed }) => seed),
          pictures: all.map(({ picture }) => picture),
          title,
          known: canvas.title,
        }
      })
      expect(told[1]).toBe(told[0])
      expect(told[2]).not.toBe(told[0])
      expect(pictures[3]).toBe(pictures[0])
      expect(pictures[4]).toBe(pictures[1])
      expect(pictures[2]).not.toBe(pictures[1])
      expect([title, known]).toEqual(['the model has not seen "spaceship"; it goes by similar spelling', ''])
    })

    it('leaves the page free while it paints', async () => {
      const { longest, all } = await page.evaluate(async () => {
        const model = await web.load('model/', { device: 'wasm' })
        await model.generate()
        const begin = performance.now()
        let [last, longest] = [begin, 0]
        const timer = setInterval(() => {
          const now = performance.now()
          longest = Math.max(longest, now - last)
          last = now
        }, 1)
        await model.generateBatch({ prompts: Array(256).fill('owl'), steps: 1 })
        clearInterval(timer)
        return { longest, all: performance.now() - begin }
      })
      // One run of the graph, which would be one stall if the page made it itself.
      expect(longest).toBeLessThan(all / 3)
    })
  },
)

describe.skipIf(webgpuLacks !== undefined)(`on WebGPU${webgpuLacks ? `: ${webgpuLacks}` : ''}`, () => {
  let [site, browser]: [Awaited<ReturnType<typeof serveBuilt>>, Browser] = [] as never
  let page: Page
  let runtimes: string[] = []
  beforeAll(async () => {
    site = await serveBuilt('tests/web/page')
    await exportModel({ model: await loadModel(STUDENT), out: join(site.folder, 'model'), dtype: 'fp32' })
    browser = await launchWebgpu()
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })
  beforeEach(async () => {
    page = await browser.newPage()
    runtimes = []
    page.on('request', (request) => {
      const [, runtime] = /ort-wasm-simd-threaded(.*)-[\w-]{8}\.wasm$/.exec(request.url()) ?? []
      if (runtime !== undefined) runtimes.push(runtime)
    })
  })
  afterEach(() => page.close())

  const open = async () => {
    await page.goto(site.url)
    await page.waitForFunction(() => 'web' in globalThis)
  }
  /** Leaves the model to the page. */
  const paint = () =>
    page.evaluate(async (prompts) => {
      const model = await web.load('model/', { device: 'webgpu' })
      const images = await model.generateBatch({ prompts, seed: 7, steps: 2 })
      Object.assign(globalThis, { model })
      return images.map(({ data }) => [...data])
    }, PROMPTS)

  it('paints the same pictures, is left alone where it would be slower than wasm, and tells when it is lost', async () => {
    const loseDevices = losableDevices(page)
    await open()
    await expectNode(await paint(), 2)
    expect(runtimes).toEqual(['.jspi'])
    const chosen = await page.evaluate(async () => {
      const chosen = await web.load('model/')
      chosen.release()
      return chosen.device
    })
    expect([chosen, runtimes]).toEqual(['wasm', ['.jspi', '']])

    await loseDevices()
    const said = await page.evaluate(async () => {
      const { model } = globalThis as unknown as { model: Awaited<ReturnType<Web['load']>> }
      const { message, remedy } = (await model.whenEnded) as Error & { remedy?: string }
      const refused = await model.generate().catch((error) => error.message)
      return { message, remedy, refused, ended: model.ended }
    })
    const message = expect.stringMatching(/^the graphics device was lost \(.+\)$/)
    expect(said).toEqual({ message, remedy: 'load the model again', refused: said.message, ended: true })
  })

  /** Ends the worker's script with this. */
  const inWorker = (script: string) =>
    page.route('**/worker-*.js', async (to) => {
      const response = await to.fetch()
      await to.fulfill({ response, body: `${await response.text()};${script}` })
    })
  const WITHOUT_JSPI = 'delete WebAssembly.Suspending'

  it('paints with a model of many words, which takes the entries of a prompt', async () => {
    const model = withMoreWords(await loadModel(STUDENT), 5000)
    await exportModel({ model, out: join(site.folder, 'many'), dtype: 'fp32' })
    await open()
    const images = await page.evaluate(async (prompts) => {
      const model = await web.load('many/', { device: 'webgpu' })
      const images = await model.generateBatch({ prompts, seed: 7, steps: 2 })
      return images.map(({ data }) => [...data])
    }, PROMPTS)
    await expectNode(images, 2)
  })

  it('paints them also where WebAssembly cannot wait for promises', async () => {
    await inWorker(WITHOUT_JSPI)
    await open()
    await expectNode(await paint(), 2)
    expect(runtimes).toEqual(['.asyncify'])
  })

  it('is done without where a host has not taken its file', async () => {
    const hardware =
      "Object.defineProperty(GPUAdapterInfo.prototype, 'isFallbackAdapter', { get: () => false })"
    await inWorker(`${WITHOUT_JSPI};${hardware}`)
    await page.route('**/*.asyncify-*.wasm', (to) => to.fulfill({ status: 404 }))
    await open()
    const [device, pixels] = await page.evaluate(async (prompts) => {
      const model = await web.load('model/')
      const images = await model.generateBatch({ prompts, seed: 7, steps: 2 })
      return [model.device, images.map(({ data }) => [...data])] as const
    }, PROMPTS)
    // onnxruntime asks more than once for what it does not get.
    expect([device, [...new Set(runtimes)]]).toEqual(['wasm', ['.asyncify', '']])
    await expectNode(pixels, 1)
  })
})
