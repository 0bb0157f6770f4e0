/** The web runtime in a real browser, with the shipped student: what it paints, and what it loads. */
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type StoredManifest, toRGBA } from '@onestroke/core/pipeline'
import { expect, it } from 'vitest'
import { exportModel } from '../../packages/onestroke/src/export/index.js'
import { loadModel, Model } from '../../packages/onestroke/src/model/index.js'
import { untrained, untrainedAutoencoder, withMoreWords } from '../../packages/onestroke/src/model/testing.js'
import { describeInBrowser } from './describe.js'
import { expectNode, openPages, PROMPTS, paintIn, STUDENT, type Web } from './testing.js'

declare const web: Web

describeInBrowser('the web runtime', () => {
  const { site, page } = openPages()

  it('paints Node’s pictures, byte for byte but for rounding', async () => {
    const found = await page().evaluate(async (prompts) => {
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
    const images = await paintIn(page(), 'model/', 'wasm', guidance)
    await expectNode(images, 1, guidance)
    await expect(expectNode(images, 1)).rejects.toThrow()
  })

  it('paints with a model of many words, which takes the entries of a prompt', async () => {
    const model = withMoreWords(await loadModel(STUDENT), 5000)
    const { manifest } = await exportModel({ model, out: join(site.folder, 'many'), dtype: 'fp32' })
    expect(Object.keys(manifest.graphs.denoiser.inputs)).toContain('negative_entry_weights')
    const guidance = { guidance_scale: 2.5, negative_prompt: 'noto' }
    const images = await paintIn(page(), 'many/', 'wasm', guidance)
    // The same model with its own words alone.
    await expectNode(images, 1, guidance)
  })

  it('paints in latents, and keeps in an edit every pixel that the mask does not cover', async () => {
    const autoencoder = untrainedAutoencoder()
    const { path } = await untrained(join(site.folder, '..'), { height: 32, width: 64 }, { autoencoder })
    const loaded = await loadModel(path)
    await exportModel({ model: loaded, out: join(site.folder, 'latents'), dtype: 'fp32' })
    const size = 32 * 64
    const { painted, edited, kept } = await page().evaluate(async () => {
      const model = await web.load('latents/', { device: 'wasm' })
      const [image] = await model.generateBatch({ prompts: ['dog'], seed: 7, steps: 2 })
      const mask = new ImageData(64, 32)
      // What is white is painted anew: the upper half.
      mask.data.fill(255)
      for (let at = 4 * 16 * 64; at < mask.data.length; at++) mask.data[at] = at % 4 === 3 ? 255 : 0
      const other = new ImageData(64, 32)
      for (let at = 0; at < other.data.length; at++) other.data[at] = at % 4 === 3 ? 255 : (at * 7) % 256
      const edited = await model.generate({ prompt: 'cat', seed: 1, image: other, mask })
      return { painted: [...image!.data], edited: [...edited.data], kept: [...other.data] }
    })
    const model = Model.of(loaded)
    const { data } = await model.generate({ prompts: ['dog'], seed: 7, num_inference_steps: 2 })
    await model.release()
    const node = toRGBA(data, 0, { channels: 3, height: 32, width: 64 })
    expect(Math.max(...painted.map((byte, at) => Math.abs(byte - node[at]!)))).toBeLessThanOrEqual(2)
    expect(edited.slice(2 * size)).toEqual(kept.slice(2 * size))
    expect(edited.slice(0, 2 * size).filter((byte, at) => byte !== kept[at]).length).toBeGreaterThan(size)
  })

  it('shows every step on the way, the last of them the picture', async () => {
    const { steps, same } = await page().evaluate(async () => {
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
    const { reasons, size, over } = await page().evaluate(async () => {
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
    page().on('request', (request) => fetched.push(new URL(request.url()).pathname))
    const loadAgain = () =>
      page().evaluate(async () => {
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
    await page().evaluate(() => caches.delete('onestroke'))
    expect(await loadAgain()).toEqual([graph!.bytes, graph!.bytes])
    const kept = await page().evaluate(async () => (await (await caches.open('onestroke')).keys()).length)
    expect(kept).toBe(1)
    await page().route('**/model.onnx', (route) => route.abort())
    expect(await loadAgain()).toEqual([graph!.bytes, graph!.bytes])
  })

  it('paints with a manifest that names its graphs', async () => {
    const named = join(site.folder, 'named')
    await cp(join(site.folder, 'model'), named, { recursive: true })
    const { graph, ...rest } = JSON.parse(await readFile(join(named, 'manifest.json'), 'utf8'))
    const manifest = { ...rest, space: { kind: 'pixels' }, graphs: { denoiser: graph } }
    await writeFile(join(named, 'manifest.json'), JSON.stringify(manifest))
    await expectNode(await paintIn(page(), 'named/', 'wasm'), 1)
  })

  it('takes onnxruntime’s files from where they are said to be, with a slash or without', async () => {
    const ort = join(site.folder, 'ort')
    await mkdir(ort)
    for (const end of ['mjs', 'wasm']) {
      const name = `ort-wasm-simd-threaded.${end}`
      await cp(join('node_modules/onnxruntime-web/dist', name), join(ort, name))
    }
    const fetched: string[] = []
    page().on('request', (request) => fetched.push(new URL(request.url()).pathname))
    for (const runtime of ['ort', 'ort/']) {
      const width = await page().evaluate(async (runtime) => {
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
    await page().route(`**/${worker}`, async (route) => {
      const response = await route.fetch()
      const broken = ['match', 'put', 'delete', 'keys'].map(
        (name) => `Cache.prototype.${name} = () => Promise.reject(new Error('${name} is broken'));`,
      )
      await route.fulfill({ response, body: `${broken.join('')}${await response.text()}` })
    })
    const size = await page().evaluate(async () => {
      const model = await web.load('model/?v=2#first', { device: 'wasm' })
      return (await model.generate({ prompt: 'owl' })).width
    })
    expect(size).toBe(16)
  })

  it('leaves the page free while it paints', async () => {
    const { longest, all } = await page().evaluate(async () => {
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
})
