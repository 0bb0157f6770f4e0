/**
 * Frames of a three.js scene in Chromium whose textures are painted meanwhile (`examples/three`), against the same scene
 * with its old textures, taking turns. Without a graphics card the scene itself is drawn by the processor, in software,
 * and shares its cores with the painting.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { launchWebgl, serveBuilt } from '../tests/web/browser.js'
import { median, rounded } from './lib/statistics.js'
import { tasksOf } from './lib/trace.js'

export const about = 'frames of a three.js scene with and without textures being painted'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  rounds: { type: 'string', default: '8', about: 'in which painting and not painting take turns' },
  seconds: { type: 'string', default: '4', about: 'of each' },
}

/** @typedef {{ median: number, p95: number, longest: number, count: number }} Statistics */

/** In the page: the frames of a while. @param {readonly [boolean, number]} how */
const watch = async ([painting, seconds]) => {
  const { fountain } = /** @type {any} */ (globalThis)
  fountain.painting = painting
  await new Promise((resolve) => setTimeout(resolve, 500))
  fountain.reset()
  const before = fountain.pictures
  await new Promise((resolve) => setTimeout(resolve, 1000 * seconds))
  return { pictures: fountain.pictures - before, ...fountain.summary() }
}

/** @type {import('./run.js').Benchmark['run']} */
export const run = async ({ rounds, seconds }) => {
  await promisify(execFile)('npm', ['run', 'model'], { cwd: new URL('../examples/three/', import.meta.url) })
  const site = await serveBuilt('examples/three')
  const browser = await launchWebgl()
  try {
    const page = await browser.newPage({ viewport: { width: 480, height: 360 } })
    await page.goto(site.url)
    await page.waitForFunction(
      () => 'fountain' in globalThis && /** @type {any} */ (globalThis).fountain.pictures > 40,
    )
    /** @type {{ painting: boolean, pictures: number, blocked: number, frames: Statistics }[]} */
    const found = []
    for (let round = 0; round < Number(rounds); round++)
      for (const painting of [true, false]) {
        await browser.startTracing(page, { categories: ['disabled-by-default-devtools.timeline'] })
        const one = await page.evaluate(watch, /** @type {const} */ ([painting, Number(seconds)]))
        const tasks = tasksOf(await browser.stopTracing())
        found.push({ ...one, painting, blocked: Math.max(...tasks.map(({ ms }) => ms)) })
      }
    const rows = [true, false].map((painting) => {
      const those = found.filter((one) => one.painting === painting)
      const over = (/** @type {(one: typeof those[number]) => number} */ what) =>
        rounded(median(those.map(what)))
      return {
        painting,
        pictures_per_second: over(({ pictures }) => pictures / Number(seconds)),
        frames_per_second: over(({ frames }) => frames.count / Number(seconds)),
        frame_ms: {
          median: over(({ frames }) => frames.median),
          p95: over(({ frames }) => frames.p95),
          longest: over(({ frames }) => frames.longest),
        },
        longest_task_ms: over(({ blocked }) => blocked),
      }
    })
    return {
      seeds: { first: 0 },
      versions: { chromium: browser.version() },
      results: { rounds: Number(rounds), seconds: Number(seconds), rows },
    }
  } finally {
    await browser.close()
    await site.close()
  }
}
