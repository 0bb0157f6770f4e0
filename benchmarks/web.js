/**
 * The web runtime in headless Chromium, in WebAssembly on two threads: one step of a student against Node's native time
 * (taking turns), from a slider's event to pixels on the screen, how long the page is ever kept waiting, and the bytes
 * that it loads.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Model } from 'onestroke'
import { launch, serveBuilt } from '../tests/web/browser.js'
import { onestroke } from './lib/command.js'
import { median, rounded } from './lib/statistics.js'

export const about = 'the web runtime in Chromium: milliseconds a step, slider to pixels, stalls, bytes'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  models: { type: 'string', default: 'emoji-16,emoji-32', about: 'students in models/' },
  dtypes: { type: 'string', default: 'fp32,int8', about: 'types to export' },
  rounds: { type: 'string', default: '20', about: 'in which browser and Node take turns' },
}

const EACH = 5

/** @type {import('./run.js').Benchmark['run']} */
export const run = async ({ models, dtypes, rounds }) => {
  const site = await serveBuilt('tests/web/page')
  const browser = await launch()
  const rows = []
  try {
    for (const name of models.split(',')) {
      const folder = `models/${name}-student`
      const native = await Model.load(folder)
      const one = { prompts: ['owl'], num_inference_steps: 1 }
      await native.generate(one)
      for (const dtype of dtypes.split(',')) {
        await onestroke('export', folder, '--out', join(site.folder, 'model'), '--dtype', dtype)
        const page = await (await browser.newContext()).newPage()
        await page.goto(site.url)
        await page.waitForFunction(() => 'web' in globalThis)
        await page.evaluate(async () => {
          const { web } = /** @type {any} */ (globalThis)
          const model = await web.load('model/', { device: 'wasm', threads: 2 })
          await model.generate({ prompt: 'owl', steps: 1 })
          const element = document.createElement('one-stroke')
          for (const [key, value] of Object.entries({ src: 'model/', device: 'wasm', steps: '1', seed: '0' }))
            element.setAttribute(key, value)
          const painted = new Promise((resolve) =>
            element.addEventListener('painted', resolve, { once: true }),
          )
          document.body.append(element)
          await painted
          Object.assign(globalThis, { model, element })
        })
        /** @type {{ web: number[], node: number[], pixels: number[], stall: number[] }} */
        const times = { web: [], node: [], pixels: [], stall: [] }
        for (let round = 0; round < Number(rounds); round++) {
          const found = await page.evaluate(
            async ([round, each]) => {
              const { model, element } = /** @type {any} */ (globalThis)
              let [last, stall] = [performance.now(), 0]
              const { port1, port2 } = new MessageChannel()
              let watching = true
              port1.onmessage = () => {
                const now = performance.now()
                stall = Math.max(stall, now - last)
                last = now
                if (watching) setTimeout(() => port2.postMessage(null))
              }
              port2.postMessage(null)
              const begin = performance.now()
              for (let i = 0; i < each; i++)
                await model.generate({ prompt: 'owl', steps: 1, seed: round * each + i })
              const web = (performance.now() - begin) / each
              const moved = performance.now()
              const painted = new Promise((resolve) =>
                element.addEventListener('painted', resolve, { once: true }),
              )
              element.setAttribute('seed', String(round + 1))
              await painted
              await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
              watching = false
              return { web, pixels: performance.now() - moved, stall }
            },
            /** @type {const} */ ([round, EACH]),
          )
          times.web.push(found.web)
          times.pixels.push(found.pixels)
          times.stall.push(found.stall)
          const begin = performance.now()
          for (let i = 0; i < EACH; i++) await native.generate({ ...one, seed: round * EACH + i })
          times.node.push((performance.now() - begin) / EACH)
        }
        rows.push({
          ...{ model: name, dtype },
          web_ms: rounded(median(times.web)),
          node_ms: rounded(median(times.node)),
          ratio: rounded(median(times.web.map((ms, i) => ms / times.node[i]))),
          slider_to_pixels_ms: rounded(median(times.pixels)),
          longest_stall_ms: {
            median: rounded(median(times.stall)),
            worst: rounded(Math.max(...times.stall)),
          },
        })
        await page.context().close()
      }
      await native.release()
    }
    /** @type {Record<string, { bytes: number, gzip: number }>} */
    const files = {}
    const assets = join(site.folder, 'assets')
    for (const file of await readdir(assets)) {
      const bytes = await readFile(join(assets, file))
      files[file.replace(/-[\w-]{8}\./, '.')] = { bytes: bytes.length, gzip: gzipSync(bytes).length }
    }
    const ours = Object.entries(files).filter(([file]) => !file.startsWith('ort'))
    return {
      seeds: { first: 0 },
      versions: { chromium: browser.version() },
      results: { rows, own_code_gzip_bytes: ours.reduce((sum, [, { gzip }]) => sum + gzip, 0), files },
    }
  } finally {
    await browser.close()
    await site.close()
  }
}
