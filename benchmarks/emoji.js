/** The numbers of the shipped emoji models: `onestroke evaluate` on each pair of student and teacher. */
import { onestroke } from './lib/command.js'
import { CATEGORY, DATA, TEACHERS } from './lib/emoji.js'

export const about = 'quality and speed of the shipped emoji models, students beside teachers'

/** Each picture's prompt once. */
const HOW = ['--data', DATA, '--category', CATEGORY, '--samples', '922', '--steps', '1,2,4,8', '--json']

/** @type {import('./run.js').Benchmark['run']} */
export const run = async () => {
  /** @type {Record<string, object>} */
  const results = {}
  for (const [student, teacher] of Object.entries(TEACHERS)) {
    const { stdout } = await onestroke(
      'evaluate',
      `models/${student}`,
      ...['--teacher', `models/${teacher}`, ...HOW],
    )
    results[student] = JSON.parse(stdout)
  }
  return { seeds: { evaluation: 0 }, versions: {}, results }
}
