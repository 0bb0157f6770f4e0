/**
 * Training throughput against PyTorch: forward, backward, clipping, Adam and moving average, in float32, on the same
 * network, weights, batches and number of threads. The sides take turns in blocks of a few steps, so that whatever
 * else the machine does touches all of them alike; what counts is the median of the ratios within a round.
 *
 * PyTorch's side is written as one would write it for PyTorch: scaled_dot_product_attention, fused Adam, foreach
 * clipping and averaging. It also runs through torch.compile, in a row of its own.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withStoredNetwork } from '@onestroke/core/formats'
import { storedNetwork } from '@onestroke/core/nn'
import { Child, PYTHON } from './lib/child.js'
import { checkSame, ratios, say, summary, takeTurns } from './lib/turns.js'
import { BATCHES, CASES, DATA, prepare } from './training-throughput/cases.js'

export const about = 'pictures a second and peak memory of training, against PyTorch on the same network'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  cases: { type: 'string', default: Object.keys(CASES).join(), about: 'which networks' },
  sides: {
    type: 'string',
    default: 'ours,torch,torch_compile',
    about: 'what to time; ours must be among them',
  },
  rounds: { type: 'string', default: '12', about: 'turns of each side' },
  steps: { type: 'string', default: '5', about: 'steps in a turn' },
  batch: { type: 'string', default: '64', about: 'pictures in a step' },
  threads: { type: 'string', default: '2', about: 'threads of each side' },
  seed: { type: 'string', default: '0', about: 'of weights and batches' },
}

/** Steps before the first turn, which are not timed: compilation, allocation, caches. */
const WARM_UP = 5
/** Losses of the warm-up must agree to this, relatively, or the sides do not train the same thing. */
const SAME = 1e-3

const NEEDS = `PyTorch's side needs ${PYTHON} with torch and safetensors; ONESTROKE_PYTHON can name another Python`

const script = (/** @type {string} */ name) =>
  fileURLToPath(new URL(`training-throughput/${name}`, import.meta.url))
/** @type {Record<string, () => Child>} */
const SIDES = {
  ours: () => new Child(process.execPath, [script('ours.js')]),
  torch: () => new Child(PYTHON, [script('theirs.py')]),
  torch_compile: () => new Child(PYTHON, [script('theirs.py'), '--compile']),
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
  const [sides, names] = [given.sides.split(','), given.cases.split(',')]
  const unknown = [...names.filter((name) => !CASES[name]), ...sides.filter((side) => !SIDES[side])]
  if (unknown.length > 0 || !sides.includes('ours'))
    throw new RangeError(
      `cases are ${Object.keys(CASES)}; sides ${Object.keys(SIDES)}; ours must be among them`,
    )
  /** @type {Record<string, string>} */
  const versions = {}
  const rows = []
  for (const name of names) rows.push(await measure(name, sides, settings, versions))
  const { seed, ...rest } = settings
  return {
    seeds: { weights: seed, batches: seed },
    versions,
    results: { data: DATA, precision: 'float32', batches: BATCHES, warm_up: WARM_UP, ...rest, rows },
  }
}

/**
 * @param {string} name
 * @param {readonly string[]} sides
 * @param {import('./lib/turns.js').Settings} settings
 * @param {Record<string, string>} versions
 */
const measure = async (name, sides, settings, versions) => {
  const { job, file, parameters } = await prepare(CASES[name], settings)
  const directory = await mkdtemp(join(tmpdir(), 'onestroke-bench-'))
  /** @type {Record<string, Child>} */
  const children = {}
  /** @type {Record<string, string>} */
  const failed = {}
  try {
    await writeFile(
      join(directory, 'job.json'),
      JSON.stringify({ ...job, config: withStoredNetwork(job.config) }),
    )
    await writeFile(join(directory, 'tensors.safetensors'), file)
    /** @type {Record<string, number[]>} */
    const losses = {}
    for (const side of sides) {
      children[side] = SIDES[side]()
      try {
        const opened = await children[side].ask({ open: directory })
        Object.assign(versions, opened.versions)
        losses[side] = (await children[side].ask({ steps: WARM_UP })).losses
      } catch (error) {
        // torch.compile needs a C++ compiler that not every machine has.
        if (side === 'torch') console.error(NEEDS)
        if (side !== 'torch_compile') throw error
        failed[side] = String(error).trim().split('\n').slice(-1)[0]
        await children[side].close()
        delete children[side]
      }
    }
    checkSame(name, losses, SAME)
    const turns = await takeTurns(children, settings)
    const row = {
      case: name,
      about: CASES[name].about,
      network: storedNetwork(job.config.network),
      parameters,
      ...Object.fromEntries(Object.entries(turns).map(([side, taken]) => [side, summary(taken, settings)])),
      ratios: ratios(turns),
      ...(Object.keys(failed).length > 0 && { failed }),
    }
    say(row, turns)
    return row
  } finally {
    for (const child of Object.values(children)) await child.close()
    await rm(directory, { recursive: true })
  }
}
