/**
 * The comparison of `methods` on MNIST at 16×16, classes as condition, from a teacher that is trained for it. `--runs` keeps
 * teacher and students, and continues what was interrupted.
 */
import { onestroke } from './lib/command.js'
import { run as compare, comparison } from './methods.js'

export const about = 'all methods from one teacher, on MNIST at 16×16'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  data: { type: 'string', default: '../shared/data/mnist', about: 'folder with the IDX files' },
  runs: { type: 'string', default: 'runs/methods-mnist', about: 'where the models go' },
  'teacher-images': { type: 'string', default: '480000', about: 'pictures for the teacher' },
  images: { type: 'string', default: '20000', about: 'pictures for each student' },
  samples: { type: 'string', default: '2000', about: 'pictures to judge by' },
  ...comparison,
  methods: { ...comparison.methods, default: `${comparison.methods.default},ecd-four-levels` },
}

/** @type {import('./run.js').Benchmark['run']} */
export const run = async ({ data, 'teacher-images': teacherImages, ...options }) => {
  const teacher = `${options.runs}/teacher`
  const digits = `idx:${data}`
  await onestroke(
    'train',
    digits,
    '--resolution',
    '16',
    '--preset',
    'small',
    '--images',
    teacherImages,
    '--out',
    teacher,
  )
  return compare({ ...options, teacher, data: digits })
}
