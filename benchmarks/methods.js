/**
 * All methods from the same teacher, on the same number of images: how good their students are at 1, 2, 4 and 8 steps,
 * and what a training image costs. `--runs` keeps the students and what was measured of them, so that what was
 * interrupted goes on; give the same folder again.
 */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { METHODS } from '@onestroke/core/consistency'
import { onestroke } from './lib/command.js'
import { distillingOptions } from './lib/emoji.js'
import { mean, rounded, spread } from './lib/statistics.js'

export const about = 'all methods from one teacher: quality at 1, 2, 4 and 8 steps, seconds and memory'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  ...distillingOptions('methods', '60000'),
  seeds: { type: 'string', default: '3', about: 'trainings of each method' },
  methods: { type: 'string', default: Object.keys(METHODS).join(','), about: 'which' },
}

const STEPS = [1, 2, 4, 8]

/** @typedef {{ who: string, solver: string, steps: number, fid: number, prompt_top1: number | null }} Row */

/**
 * Distils by a method and a seed, and evaluates; or reads what an earlier run found.
 *
 * @param {string} method
 * @param {number} seed
 * @param {Record<string, string>} options
 * @returns {Promise<{ rows: Row[], seconds_per_image: number, peak_memory_mib: number | null }>}
 */
const measure = async (method, seed, { teacher, data, category, runs, images, samples }) => {
  const out = join(runs, `${method}-${seed}`)
  const found = join(runs, `${method}-${seed}.json`)
  if (existsSync(found)) return JSON.parse(await readFile(found, 'utf8'))
  const pictures = data.startsWith('iconify:') ? ['--category', category] : []
  const { peak_memory_mib } = await onestroke(
    ...['distill', teacher, data, ...pictures, '--method', method, '--seed', String(seed)],
    ...['--images', images, '--samples', '0', '--checks', '0', '--out', out],
  )
  const { stdout } = await onestroke(
    ...['evaluate', out, '--teacher', teacher, '--data', data, ...pictures],
    ...['--steps', STEPS.join(','), '--samples', samples, '--json'],
  )
  const { provenance } = JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))
  const result = {
    rows: JSON.parse(stdout).rows,
    seconds_per_image: provenance.seconds / provenance.images_seen,
    peak_memory_mib,
  }
  await writeFile(found, JSON.stringify(result))
  return result
}

/** @type {import('./run.js').Benchmark['run']} */
export const run = async (options) => {
  const seeds = Array.from({ length: Number(options.seeds) }, (_, i) => i)
  /** @type {Record<string, object>} */
  const table = {}
  /** @type {Row | undefined} */
  let best
  // Seed by seed, so that every method has a number as early as possible.
  const names = options.methods.split(',')
  /** @type {Map<string, Awaited<ReturnType<typeof measure>>[]>} */
  const all = new Map(names.map((name) => [name, []]))
  for (const seed of seeds) for (const name of names) all.get(name)?.push(await measure(name, seed, options))
  for (const [name, runs] of all) {
    for (const row of runs.flatMap(({ rows }) => rows))
      if (row.who === 'teacher' && row.solver !== 'ddim' && !(best && best.fid <= row.fid)) best = row
    const students = (/** @type {number} */ steps) =>
      runs.flatMap(({ rows }) => rows.filter((row) => row.who === 'student' && row.steps === steps))
    table[name] = {
      fid: Object.fromEntries(
        STEPS.map((steps) => {
          const values = students(steps).map(({ fid }) => fid)
          return [steps, { mean: rounded(mean(values)), spread: rounded(spread(values)) }]
        }),
      ),
      prompt_top1: rounded(mean(students(1).map(({ prompt_top1 }) => prompt_top1 ?? Number.NaN))),
      milliseconds_per_image: rounded(1000 * mean(runs.map((one) => one.seconds_per_image))),
      peak_memory_mib: Math.max(...runs.map((one) => one.peak_memory_mib ?? 0)) || null,
    }
  }
  const { images, data, teacher } = options
  return {
    seeds: Object.fromEntries(seeds.map((seed) => [`training ${seed}`, seed])),
    versions: {},
    results: {
      ...{ data, teacher, images: Number(images) },
      teacher_best: best && { solver: best.solver, steps: best.steps, fid: rounded(best.fid) },
      methods: table,
    },
  }
}
