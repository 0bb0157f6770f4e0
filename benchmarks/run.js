/**
 * Runs a benchmark and writes what it found:
 *
 *     npm run bench                            which there are
 *     npm run bench -- NAME [options]          runs benchmarks/NAME.js, writes benchmarks/results/NAME.json
 *     npm run bench -- NAME --dry-run          runs it without writing: to see whether it works
 *
 * A benchmark is a module with `about` (one line), `options` (of its own, for node:util's parseArgs; optional) and
 * `run`, which is given their values and returns { seeds, versions, results }.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { versions } from 'onestroke'
import { machine } from './lib/machine.js'

/**
 * @typedef {object} Benchmark
 * @property {string} about
 * @property {Record<string, { type: 'string', default: string, about: string }>} [options]
 * @property {(options: Record<string, string>) => Promise<Outcome>} run
 *
 * @typedef {object} Outcome
 * @property {Record<string, number>} seeds
 * @property {Record<string, string>} versions of what onestroke is compared with
 * @property {object} results
 */

const here = new URL('./', import.meta.url)
const names = readdirSync(here)
  .filter((file) => file.endsWith('.js') && file !== basename(fileURLToPath(import.meta.url)))
  .map((file) => file.slice(0, -3))

/** @returns {Promise<Benchmark>} */
const load = (/** @type {string} */ name) => import(new URL(`${name}.js`, here).href)

const list = async () => {
  for (const name of names) {
    const { about, options = {} } = await load(name)
    console.log(`${name}\n    ${about}`)
    for (const [option, { about, default: value }] of Object.entries(options))
      console.log(`    --${option}  ${about} (${value})`)
  }
}

/**
 * @param {string} name
 * @param {string[]} args
 */
const bench = async (name, args) => {
  const { options = {}, run } = await load(name)
  const { values } = parseArgs({
    args,
    options: {
      ...Object.fromEntries(
        Object.entries(options).map(([key, { type, default: value }]) => [key, { type, default: value }]),
      ),
      'dry-run': { type: 'boolean', default: false },
    },
  })
  const { 'dry-run': dry, ...given } = values
  const before = { date: new Date().toISOString(), machine: machine() }
  const outcome = await run(/** @type {Record<string, string>} */ (given))
  const document = {
    benchmark: name,
    command: ['npm run bench --', name, ...args].join(' '),
    ...before,
    versions: { ...versions(), ...outcome.versions },
    seeds: outcome.seeds,
    results: outcome.results,
  }
  const json = `${JSON.stringify(document, null, 2)}\n`
  if (dry) {
    console.log(json)
    return
  }
  mkdirSync(new URL('results/', here), { recursive: true })
  writeFileSync(new URL(`results/${name}.json`, here), json)
  console.log(`benchmarks/results/${name}.json; npm run docs puts it into docs/measured.md`)
}

const [name, ...args] = process.argv.slice(2)
if (name === undefined) await list()
else if (names.includes(name)) await bench(name, args)
else {
  console.error(`there is no benchmark ${name}; there are ${names.join(', ')}`)
  process.exitCode = 2
}
