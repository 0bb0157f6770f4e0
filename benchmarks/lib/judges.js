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
    ...['evaluate', model, '--data', ...data, '--steps', steps.join(','), '--samples', samples],
    ...['--noise-seeds', seeds, '--json'],
  )
  return JSON.parse(stdout).rows
}

/**
 * The teacher at its best: by the first judge, which chooses for all.
 *
 * @param {readonly Row[]} rows
 */
export const best = (rows) => rows.reduce((a, b) => ((b.fid ?? Infinity) < (a.fid ?? Infinity) ? b : a))

/** @param {readonly (number | null)[]} values */
export const meanOf = (values) => {
  const known = values.filter((value) => value !== null)
  return known.length > 0 && known.length === values.length ? rounded(mean(known)) : null
}

/**
 * One number of steps of one method, by every judge: over its trainings, each a mean over the noise seeds.
 *
 * @param {readonly Row[]} rows one for each training
 * @param {Row} teacher
 */
export const byJudges = (rows, teacher) =>
  Object.fromEntries(
    Object.entries(teacher.judges).map(([judge, { fid: theirs }]) => {
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
