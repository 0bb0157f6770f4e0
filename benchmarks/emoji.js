/** The numbers of the shipped emoji models: `onestroke evaluate` on each pair of student and teacher. */
import { onestroke } from './lib/command.js'
import { CATEGORY, DATA } from './lib/emoji.js'

export const about = 'quality and speed of the shipped emoji models, students beside teachers'

/** Each picture's prompt once. */
const PAIRS = {
  'emoji-16': ['--category', CATEGORY, '--samples', '922'],
}

/** @type {import('./run.js').Benchmark['run']} */
export const run = async () => {
  /** @type {Record<string, object>} */
  const results = {}
  for (const [name, how] of Object.entries(PAIRS)) {
    const { stdout } = await onestroke(
      'evaluate',
      `models/${name}-student`,
      ...['--teacher', `models/${name}-teacher`, '--data', DATA, ...how, '--steps', '1,2,4,8', '--json'],
    )
    results[name] = JSON.parse(stdout)
  }
  return { seeds: { evaluation: 0 }, versions: {}, results }
}
