/**
 * This checkout against another one of the same project, which is built: the same benchmarks, each in a process of its own, taking
 * turns. A ratio above 1 says that this one is faster.
 */
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median, rounded } from './lib/statistics.js'

export const about = 'this checkout against another one, in turns: training, sampling, server, page'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  other: { type: 'string', default: '../before', about: 'folder of the other checkout, built' },
  only: { type: 'string', default: '', about: 'of the measurements, separated by commas; by default all' },
  rounds: { type: 'string', default: '7', about: 'in which the two take turns' },
}

const RESULTS_OF = fileURLToPath(new URL('./lib/results-of.js', import.meta.url))

/**
 * What is measured: a benchmark, its options, and the numbers that are taken of its results, larger being faster.
 *
 * @type {Record<string, { benchmark: string, options: Record<string, string>, speeds(results: any): Record<string, number> }>}
 */
const MEASURED = {
  training: {
    benchmark: 'training-loop',
    options: { steps: '60' },
    speeds: ({ rows }) =>
      Object.fromEntries(
        rows.map((/** @type {any} */ row) => [`training ${row.preset}`, row.images_per_second]),
      ),
  },
  sampling: {
    benchmark: 'sample-latency',
    options: { model: 'models/emoji-32-student', runs: '4' },
    speeds: ({ median_seconds }) => ({ 'sampling, whole process': 1 / median_seconds }),
  },
  server: {
    benchmark: 'server',
    options: {
      model: 'models/emoji-16-student',
      clients: '32',
      requests: '2000',
      rounds: '2',
      starts: '1',
    },
    speeds: ({ rows }) =>
      Object.fromEntries(
        rows.map((/** @type {any} */ row) => [
          `server, ${row.most_pictures_in_a_run} together`,
          row.requests_per_second,
        ]),
      ),
  },
  page: {
    benchmark: 'web',
    options: { models: 'emoji-16-student', dtypes: 'fp32', rounds: '6' },
    speeds: ({ rows: [row] }) => ({
      'page, a step': 1 / row.web_ms,
      'Node, a step': 1 / row.node_ms,
    }),
  },
}

/**
 * @param {string} checkout
 * @param {string} benchmark
 * @param {Record<string, string>} values
 */
const resultsIn = async (checkout, benchmark, values) => {
  const file = resolve(checkout, 'benchmarks', `${benchmark}.js`)
  const { stdout } = await promisify(execFile)(process.execPath, [RESULTS_OF, file, JSON.stringify(values)], {
    cwd: checkout,
    maxBuffer: 2 ** 26,
  })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}

/** @type {import('./run.js').Benchmark['run']} */
export const run = async ({ other, only, rounds }) => {
  const names = only === '' ? Object.keys(MEASURED) : only.split(',')
  /** @type {Record<string, number[]>} */
  const ratios = {}
  for (let round = 0; round < Number(rounds); round++)
    for (const name of names) {
      const measured = MEASURED[name]
      if (!measured) throw new Error(`there is no ${name}; there are ${Object.keys(MEASURED).join(', ')}`)
      const { benchmark, options, speeds } = measured
      // Who is first changes, so that neither always finds the machine as the other left it.
      const sides = round % 2 === 0 ? ['.', other] : [other, '.']
      /** @type {Record<string, Record<string, number>>} */
      const found = {}
      for (const side of sides) found[side] = speeds(await resultsIn(side, benchmark, options))
      for (const [what, speed] of Object.entries(found['.'] ?? {})) {
        const others = found[other]?.[what]
        if (others === undefined) throw new Error(`${other} tells nothing of ${what}`)
        ratios[what] = [...(ratios[what] ?? []), speed / others]
        console.error(`${what}: ${rounded(speed / others, 3)}`)
      }
    }
  const { stdout } = await promisify(execFile)('git', ['rev-parse', 'HEAD'], { cwd: other })
  const results = Object.entries(ratios).map(([what, all]) => ({
    what,
    median_ratio: rounded(median(all)),
    ratios: all.map((ratio) => rounded(ratio, 3)),
  }))
  return { seeds: {}, versions: {}, results: { other: stdout.trim(), rows: results } }
}
