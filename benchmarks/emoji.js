/** The numbers of the shipped emoji models: `onestroke evaluate` on each pair of student and teacher. */
import { onestroke } from './lib/command.js'
import { CATEGORY, DATA } from './lib/emoji.js'

export const about = 'quality and speed of the shipped emoji models, students beside teachers'

/** Each picture's prompt once. */
const HOW = ['--data', DATA, '--category', CATEGORY, '--samples', '922', '--steps', '1,2,4,8', '--json']
const PAIRS = ['emoji-16', 'emoji-32']

/** @type {import('./run.js').Benchmark['run']} */
export const run = async () => {
  /** @type {Record<string, object>} */
  const results = {}
  for (const name of PAIRS) {
    const { stdout } = await onestroke(
      'evaluate',
      `models/${name}-student`,
      ...['--teacher', `models/${name}-teacher`, ...HOW],
    )
    results[name] = JSON.parse(stdout)
  }
  return { seeds: { evaluation: 0 }, versions: {}, results }
}
