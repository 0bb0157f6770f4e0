/**
 * The numbers of the shipped emoji models at 16×16: `onestroke evaluate` on each pair of student and teacher, by every judge,
 * with the four noise seeds 0 to 3. Those at 32×32 are in `emoji-32.js`.
 */
import { onestroke } from './lib/command.js'
import { CATEGORY, DATA, STUDENTS, TEACHERS } from './lib/emoji.js'

export const about = 'quality and speed of the shipped emoji models at 16×16, students beside teachers'

/** @type {import('./run.js').Benchmark['options']} */
export const options = { students: { ...STUDENTS, default: 'emoji-16-student,emoji-16-guided' } }

/** Noise seeds, from 0 on. */
const NOISE_SEEDS = 4

/** Each picture's prompt once a noise seed. */
const HOW = [
  '--data',
  DATA,
  '--category',
  CATEGORY,
  '--samples',
  '922',
  '--steps',
  '1,2,4,8',
  '--seed',
  '0',
  '--noise-seeds',
  String(NOISE_SEEDS),
  '--json',
]

/** @type {import('./run.js').Benchmark['run']} */
export const run = async ({ students }) => {
  /** @type {Record<string, object>} */
  const results = {}
  for (const student of students.split(',')) {
    const teacher = TEACHERS[student]
    if (!teacher)
      throw new Error(`there is no student ${student}; there are ${Object.keys(TEACHERS).join(', ')}`)
    const { stdout } = await onestroke(
      'evaluate',
      `models/${student}`,
      '--teacher',
      `models/${teacher}`,
      ...HOW,
    )
    results[student] = JSON.parse(stdout)
  }
  return { seeds: { evaluation: 0, noise_seeds: NOISE_SEEDS }, versions: {}, results }
}
