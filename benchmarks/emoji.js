/** The numbers of the shipped emoji models: `onestroke evaluate` on each pair. */
import { onestroke } from './lib/command.js'

export const about = 'quality and speed of the shipped emoji models, students beside teachers'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  samples: {
    type: 'string',
    default: '3166',
    about: 'pictures to judge the 32×32 models by: each prompt twice',
  },
}

/** @type {import('./run.js').Benchmark['run']} */
export const run = async ({ samples }) => {
  const { stdout } = await onestroke(
    'evaluate',
    'models/emoji-32-student',
    ...['--teacher', 'models/emoji-32-teacher'],
    ...['--data', 'iconify:fluent-emoji-flat'],
    ...['--samples', samples, '--steps', '1,2,4,8', '--json'],
  )
  return { seeds: { evaluation: 0 }, versions: {}, results: JSON.parse(stdout) }
}
