import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { exportModel } from '../../packages/onestroke/src/export/index.js'
import { loadModel } from '../../packages/onestroke/src/model/index.js'
import { withMoreWords } from '../../packages/onestroke/src/model/testing.js'
import { launchWebgpu, losableDevices } from './browser.js'
import { describeOnWebgpu } from './describe.js'
import { expectNode, openSite, PROMPTS, paintIn, STUDENT, type Web } from './testing.js'

declare const web: Web
describeOnWebgpu('on WebGPU', () => {
  const site = openSite(launchWebgpu)
  let page: Page
  let runtimes: string[] = []
  beforeEach(async () => {
    page = await site.browser.newPage()
    runtimes = []
    page.on('request', (request) => {
      const [, runtime] = /ort-wasm-simd-threaded(.*)-[\w-]{8}\.wasm$/.exec(request.url()) ?? []
      if (runtime !== undefined) runtimes.push(runtime)
    })
  })
  afterEach(() => page.close())

  const open = () => site.visit(page)
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
    await expectNode(await paintIn(page, 'many/', 'webgpu'), 2)
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
