/**
 * MNIST, classes as condition: trains a teacher from nothing, distils it, and measures both, with the commands that a
 * user would type. `--runs` keeps the models, and continues what was interrupted.
 */
import { onestroke } from './lib/command.js'

export const about = 'MNIST from nothing: teacher, student, and their numbers'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  data: { type: 'string', default: '../shared/data/mnist', about: 'folder with the IDX files' },
  runs: { type: 'string', default: 'runs/mnist', about: 'where the models go' },
  images: {
    type: 'string',
    default: '480000',
    about: 'pictures for the teacher; the student sees a quarter',
  },
  samples: { type: 'string', default: '3000', about: 'pictures to judge by' },
}

/** @type {import('./run.js').Benchmark['run']} */
export const run = async ({ data, runs, images, samples }) => {
  const [teacher, student] = [`${runs}/teacher`, `${runs}/student`]
  const size = ['--resolution', '32']
  await onestroke('train', `idx:${data}`, ...size, '--preset', 'small', '--images', images, '--out', teacher)
  const part = String(Math.floor(Number(images) / 4))
  await onestroke(
    'distill',
    teacher,
    `idx:${data}`,
    ...size,
    '--images',
    part,
    '--samples',
    '0',
    '--out',
    student,
  )
  const { stdout } = await onestroke(
    'evaluate',
    student,
    '--teacher',
    teacher,
    '--data',
    `idx:${data}`,
    '--samples',
    samples,
    '--steps',
    '1,2,4,8',
    '--json',
  )
  return { seeds: { training: 0, evaluation: 0 }, versions: {}, results: JSON.parse(stdout) }
}
