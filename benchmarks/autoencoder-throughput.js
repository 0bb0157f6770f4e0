/**
 * Throughput of training an autoencoder against PyTorch: forward, backward, clipping, Adam and moving average, in float32, on the same
 * network, loss, weights, crops and number of threads. The sides take turns in blocks of a few steps; what counts is the median of the
 * ratios within a round. Before that, both must find the same loss of the same weights and crops.
 *
 * PyTorch's side is eager, and written as one would write it for PyTorch: channels_last, pixel_shuffle, fused Adam, foreach clipping
 * and averaging.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BATCHES, CASES, DATA, prepare } from './autoencoder-throughput/cases.js'
import { Child, PYTHON } from './lib/child.js'
import { checkSame, ratios, say, summary, takeTurns } from './lib/turns.js'

export const about =
  'crops a second and peak memory of training an autoencoder, against PyTorch on the same network'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  cases: { type: 'string', default: 'f8,f16', about: `which factors, of ${Object.keys(CASES)}` },
  rounds: { type: 'string', default: '12', about: 'turns of each side' },
  steps: { type: 'string', default: '4', about: 'steps in a turn' },
  batch: { type: 'string', default: '24', about: 'crops in a step' },
  threads: { type: 'string', default: '2', about: 'threads of each side' },
  seed: { type: 'string', default: '0', about: 'of weights and crops' },
}

/** Steps before the first turn, which are not timed: allocation, caches. */
const WARM_UP = 4
/** The first loss must agree to this, relatively, and those of the rest of the warm-up, by which weights have drifted apart a little. */
const [SAME, STILL_SAME] = [1e-4, 1e-3]
const UNIT = 'crops'

const NEEDS = `PyTorch's side needs ${PYTHON} with torch and safetensors; ONESTROKE_PYTHON can name another Python`

const script = (/** @type {string} */ name) =>
  fileURLToPath(new URL(`autoencoder-throughput/${name}`, import.meta.url))
/** @type {Record<string, () => Child>} */
const SIDES = {
  ours: () => new Child(process.execPath, [script('ours.js')]),
  torch: () => new Child(PYTHON, [script('theirs.py')]),
}

/** @type {import('./run.js').Benchmark['run']} */
export const run = async (given) => {
  const settings = {
    rounds: Number(given.rounds),
    steps: Number(given.steps),
    batch: Number(given.batch),
    threads: Number(given.threads),
    seed: Number(given.seed),
  }
  const names = given.cases.split(',')
  const unknown = names.find((name) => !Object.hasOwn(CASES, name))
  if (unknown !== undefined)
    throw new RangeError(`there is no case ${unknown}; there are ${Object.keys(CASES)}`)
  /** @type {Record<string, string>} */
  const versions = {}
  const rows = []
  for (const name of names) rows.push(await measure(name, settings, versions))
  const { seed, ...rest } = settings
  return {
    seeds: { weights: seed, crops: seed },
    versions,
    results: { data: DATA, precision: 'float32', batches: BATCHES, warm_up: WARM_UP, ...rest, rows },
  }
}

/**
 * @param {string} name
 * @param {import('./lib/turns.js').Settings} settings
 * @param {Record<string, string>} versions
 */
const measure = async (name, settings, versions) => {
  const { job, file, parameters, latents } = await prepare(CASES[name], settings)
  const directory = await mkdtemp(join(tmpdir(), 'onestroke-bench-'))
  /** @type {Record<string, Child>} */
  const children = {}
  try {
    await writeFile(join(directory, 'job.json'), JSON.stringify(job))
    await writeFile(join(directory, 'tensors.safetensors'), file)
    /** @type {Record<string, number[]>} */
    const losses = {}
    for (const [side, start] of Object.entries(SIDES)) {
      children[side] = start()
      try {
        const opened = await children[side].ask({ open: directory })
        Object.assign(versions, opened.versions)
        losses[side] = (await children[side].ask({ steps: WARM_UP })).losses
      } catch (error) {
        if (side === 'torch') console.error(NEEDS)
        throw error
      }
    }
    const first = Object.entries(losses).map(([side, [loss]]) => [side, [loss]])
    checkSame(name, Object.fromEntries(first), SAME)
    checkSame(name, losses, STILL_SAME)
    const turns = await takeTurns(children, settings)
    const row = {
      case: name,
      about: `factor ${CASES[name].factor}, crops of ${job.crop}×${job.crop}`,
      network: job.config.network,
      latents,
      parameters,
      first_loss: Object.fromEntries(Object.entries(losses).map(([side, [loss]]) => [side, loss])),
      ...Object.fromEntries(
        Object.entries(turns).map(([side, taken]) => [side, summary(taken, settings, UNIT)]),
      ),
      ratios: ratios(turns),
    }
    say(row, turns, UNIT)
    return row
  } finally {
    for (const child of Object.values(children)) await child.close()
    await rm(directory, { recursive: true })
  }
}
