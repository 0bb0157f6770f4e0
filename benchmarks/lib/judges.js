/** What `onestroke evaluate` says of a model, and how models compare by several judges at equal noise. */
import { onestroke } from './command.js'
import { mean, rounded, spread } from './statistics.js'

/**
 * A row of the evaluation's document, as far as benchmarks read it: means over the noise seeds, and each judge's Fréchet
 * distances with one value for each of them.
 *
 * @typedef {object} Row
 * @property {'student' | 'teacher'} who
 * @property {string} solver
 * @property {number} steps
 * @property {number} nfe
 * @property {number | null} fid by the first judge
 * @property {number | null} prompt_top1
 * @property {Record<string, { fid: { mean: number, sd: number | null, values: number[] } }>} judges
 */

/** How models are judged. @typedef {{ steps: readonly number[], samples: string, 'noise-seeds': string }} Judging */

/**
 * @param {string} model folder
 * @param {readonly string[]} data flags that name it
 * @param {Judging} judging
 * @returns {Promise<Row[]>}
 */
export const judged = async (model, data, { steps, samples, 'noise-seeds': seeds }) => {
  const { stdout } = await onestroke(
    'evaluate',
    model,
    '--data',
    ...data,
    '--steps',
    steps.join(','),
    '--samples',
    samples,
    '--noise-seeds',
    seeds,
    '--json',
  )
  return JSON.parse(stdout).rows
}

/**
 * The teacher at its best, of all its rows, by a judge.
 *
 * @param {readonly Row[]} rows
 * @param {string} judge
 */
export const best = (rows, judge) => {
  const of = (/** @type {Row} */ row) => row.judges[judge]?.fid.mean ?? Infinity
  return rows.reduce((a, b) => (of(b) < of(a) ? b : a))
}

/** @param {readonly (number | null)[]} values */
export const meanOf = (values) => {
  const known = values.filter((value) => value !== null)
  return known.length > 0 && known.length === values.length ? rounded(mean(known)) : null
}

/**
 * One number of steps of one method, by every judge: over its trainings, each a mean over the noise seeds.
 *
 * @param {readonly Row[]} rows one for each training
 * @param {readonly Row[]} teachers all settings of the teacher, of which each judge compares with its own best
 */
export const byJudges = (rows, teachers) =>
  Object.fromEntries(
    Object.keys(teachers[0].judges).map((judge) => {
      const theirs = best(teachers, judge).judges[judge].fid
      const ours = rows.map((row) => row.judges[judge].fid)
      const ratios = ours.map(({ values }) => mean(values.map((value, i) => value / theirs.values[i])))
      return [
        judge,
        {
          fid: rounded(mean(ours.map((fid) => fid.mean))),
          of_teacher: { mean: rounded(mean(ratios)), spread: rounded(spread(ratios)) },
          // How much one training's number varies with the noise that it is painted from.
          noise: meanOf(ours.map((fid) => fid.sd)),
        },
      ]
    }),
  )
