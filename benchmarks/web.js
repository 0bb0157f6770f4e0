/**
 * The web runtime in headless Chromium, in WebAssembly on two threads: one step of an exported student against the same in
 * Node (taking turns), from a slider's event to pixels on the screen, the longest task that ever blocks the page
 * meanwhile, and the bytes that it loads.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { openPipeline } from 'onestroke'
import { launch, serveBuilt } from '../tests/web/browser.js'
import { onestroke } from './lib/command.js'
import { STUDENTS } from './lib/emoji.js'
import { median, rounded } from './lib/statistics.js'
import { tasksOf } from './lib/trace.js'

export const about = 'the web runtime in Chromium: milliseconds a step, slider to pixels, longest task, bytes'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  models: STUDENTS,
  dtypes: { type: 'string', default: 'fp32,int8', about: 'types to export' },
  rounds: { type: 'string', default: '20', about: 'in which browser and Node take turns' },
}

const EACH = 25

/** Until nobody's threads spin any more, waiting for more work. */
const rest = () => new Promise((resolve) => setTimeout(resolve, 50))

/** @param {number[]} a @param {number[]} b */
const ratio = (a, b) => rounded(median(a.map((value, i) => value / b[i])))

/** In the page: loads a model under a name. @param {string[]} from */
const load = async ([url, name]) => {
  const page = /** @type {any} */ (globalThis)
  page.models ??= {}
  page.models[name] = await page.web.load(url, { device: 'wasm', threads: 2 })
}

/** In the page: the mean milliseconds of several pictures. @param {readonly [string, number, number]} what */
const paint = async ([name, seed, count]) => {
  const model = /** @type {any} */ (globalThis).models[name]
  await model.generate({ prompt: 'owl', steps: 1 })
  const begin = performance.now()
  for (let i = 0; i < count; i++) await model.generate({ prompt: 'owl', steps: 1, seed: seed + i })
  return (performance.now() - begin) / count
}

/**
 * In the page: moves a slider, so to speak, and waits for the pixels; the milliseconds that each picture took.
 *
 * @param {readonly [string, number]} what
 */
const slide = async ([url, count]) => {
  const element = document.createElement('one-stroke')
  const painted = () => new Promise((resolve) => element.addEventListener('painted', resolve, { once: true }))
  for (const [key, value] of Object.entries({ src: url, device: 'wasm', steps: '1', seed: '0' }))
    element.setAttribute(key, value)
  const ready = painted()
  document.body.append(element)
  await ready
  /** @type {number[]} */
  const pixels = []
  for (let seed = 1; seed <= count; seed++) {
    const moved = performance.now()
    const done = painted()
    element.setAttribute('seed', String(seed))
    await done
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
    pixels.push(performance.now() - moved)
  }
  element.remove()
  return pixels
}

/** @type {import('./run.js').Benchmark['run']} */
export const run = async ({ models, dtypes, rounds }) => {
  const site = await serveBuilt('tests/web/page')
  const browser = await launch()
  const rows = []
  try {
    for (const name of models.split(',')) {
      const page = await (await browser.newContext()).newPage()
      await page.goto(site.url)
      await page.waitForFunction(() => 'web' in globalThis)
      const contenders = []
      for (const dtype of dtypes.split(',')) {
        const folder = join(site.folder, `${name}-${dtype}`)
        await onestroke('export', `models/${name}`, '--out', folder, '--dtype', dtype)
        await page.evaluate(load, [`${name}-${dtype}/`, dtype])
        /** @type {Record<'web' | 'node', number[]>} */
        const times = { web: [], node: [] }
        contenders.push({ dtype, native: await openPipeline(folder), times })
      }
      for (let round = 0; round < Number(rounds); round++)
        for (const { dtype, native, times } of contenders) {
          await rest()
          times.web.push(await page.evaluate(paint, /** @type {const} */ ([dtype, round * EACH, EACH])))
          await rest()
          const one = { prompts: ['owl'], num_inference_steps: 1 }
          await native.generate(one)
          const begin = performance.now()
          for (let i = 0; i < EACH; i++) await native.generate({ ...one, seed: round * EACH + i })
          times.node.push((performance.now() - begin) / EACH)
        }
      await page.evaluate(() => {
        for (const model of Object.values(/** @type {any} */ (globalThis).models)) model.release()
      })
      const [first] = contenders
      for (const { dtype, native, times } of contenders) {
        await native.release()
        await browser.startTracing(page, { categories: ['disabled-by-default-devtools.timeline'] })
        const pixels = await page.evaluate(
          slide,
          /** @type {const} */ ([`${name}-${dtype}/`, Number(rounds)]),
        )
        const tasks = tasksOf(await browser.stopTracing())
        rows.push({
          model: name,
          dtype,
          web_ms: rounded(median(times.web)),
          node_ms: rounded(median(times.node)),
          web_over_node: ratio(times.web, times.node),
          [`speed_of_${first.dtype}`]: {
            web: ratio(first.times.web, times.web),
            node: ratio(first.times.node, times.node),
          },
          slider_to_pixels_ms: rounded(median(pixels)),
          page_tasks: {
            count: tasks.length,
            longest_ms: rounded(Math.max(...tasks.map(({ ms }) => ms))),
            longest_cpu_ms: rounded(Math.max(...tasks.map(({ cpu_ms }) => cpu_ms))),
          },
        })
      }
      await page.context().close()
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
