/**
 * How far the judges' numbers can be trusted: relative standard deviations of the Fréchet distance of one random half of
 * the real pictures to the other, and of one student over noise seeds. A number that does not repeat itself compares
 * nothing. Halves of few pictures differ most by a judge to whom one direction outweighs all others: at 32×32 one
 * holds 39 % of the variance of `random-conv`'s features. Samplers are compared by the other number, over noise seeds.
 */
import { permutation, STREAM } from '@onestroke/core/random'
import { evaluate, featuresOfDataset, judgesFor, loadDataset, loadModel, Reference } from 'onestroke'
import { CATEGORY, DATA } from './lib/emoji.js'
import { mean, rounded, spread } from './lib/statistics.js'

export const about = 'how far the judges’ distances repeat themselves: halves of the data, and noise seeds'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  splits: { type: 'string', default: '40', about: 'random halves' },
  'noise-seeds': { type: 'string', default: '5', about: 'noise seeds of the student' },
  steps: { type: 'string', default: '1', about: 'steps of the student' },
  sides: { type: 'string', default: '16,32', about: 'sides of the pictures' },
}

/** Relative standard deviations that are to be reached. */
const GOALS = { halves: 0.1, noise: 0.07 }

/** @typedef {{ mean: number, relative_sd: number, within_goal: boolean }} Repeated */

/** @type {import('./run.js').Benchmark['run']} */
export const run = async ({ splits, 'noise-seeds': seeds, steps, sides }) => {
  /** @type {Record<string, Record<string, { halves: Repeated, noise: Repeated }>>} */
  const results = {}
  for (const side of sides.split(',').map(Number)) {
    const dataset = await loadDataset(DATA, {
      resolution: side,
      channels: 3,
      category: CATEGORY.split(','),
    })
    const student = await evaluate({
      model: await loadModel(`models/emoji-${side}-student`),
      dataset,
      steps: [Number(steps)],
      samples: dataset.count,
      seed: 0,
      noise_seeds: Number(seeds),
    })
    results[side] = {}
    for (const space of await judgesFor(dataset, dataset, {})) {
      const { name } = space.info
      results[side][name] = {
        halves: repeated(await halves(space, dataset, Number(splits)), GOALS.halves),
        noise: repeated(student.rows[0]?.judges[name]?.fid.values ?? [], GOALS.noise),
      }
      console.error(`${side}×${side}, ${name}: ${JSON.stringify(results[side][name])}`)
    }
  }
  return {
    seeds: { splits: 0, evaluation: 0 },
    versions: {},
    results: {
      splits: Number(splits),
      noise_seeds: Number(seeds),
      steps: Number(steps),
      goals: GOALS,
      sides: results,
    },
  }
}

/**
 * @param {readonly number[]} values
 * @param {number} goal
 * @returns {Repeated}
 */
const repeated = (values, goal) => {
  const relative_sd = spread(values) / mean(values)
  return {
    mean: rounded(mean(values)),
    relative_sd: rounded(relative_sd, 3),
    within_goal: relative_sd <= goal,
  }
}

/**
 * Distances of one half of the pictures to the other, for so many random halves.
 *
 * @param {import('onestroke').FeatureSpace} space
 * @param {import('onestroke').Dataset} dataset
 * @param {number} splits
 */
const halves = async (space, dataset, splits) => {
  const { data, count, dims } = await featuresOfDataset(space, dataset)
  const half = count >> 1
  return Array.from({ length: splits }, (_, step) => {
    const order = permutation(count, { seed: 0, stream: STREAM.resample, step, index: 6 })
    const rows = (/** @type {number} */ from, /** @type {number} */ to) => {
      const out = new Float32Array((to - from) * dims)
      for (let i = from; i < to; i++) {
        const start = (order[i] ?? 0) * dims
        out.set(data.subarray(start, start + dims), (i - from) * dims)
      }
      return { data: out, count: to - from, dims }
    }
    return new Reference(space, rows(0, half)).fid(rows(half, 2 * half))
  })
}
