/** The same numbers as `emoji.js` has, of the models at 32×32, which take longer. */
import { STUDENTS } from './lib/emoji.js'

export const about = 'quality and speed of the shipped emoji models at 32×32, students beside teachers'

/** @type {import('./run.js').Benchmark['options']} */
export const options = { students: { ...STUDENTS, default: 'emoji-32-student,emoji-32-half' } }

export { run } from './emoji.js'
