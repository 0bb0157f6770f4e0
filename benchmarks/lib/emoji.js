/** The shipped models and the emoji that they know, and options for benchmarks that distil from the 16×16 teacher. */

export const DATA = 'iconify:fluent-emoji-flat,noto'
export const CATEGORY = 'Smileys & Emotion,Animals & Nature,Food & Drink'

/** The shipped students, and whose they are. @type {Readonly<Record<string, string>>} */
export const TEACHERS = {
  'emoji-16-student': 'emoji-16-teacher',
  'emoji-16-guided': 'emoji-16-teacher',
  'emoji-32-student': 'emoji-32-teacher',
  'emoji-32-half': 'emoji-32-teacher',
}

/** The option that chooses among them. @type {NonNullable<import('../run.js').Benchmark['options']>[string]} */
export const STUDENTS = {
  type: 'string',
  default: Object.keys(TEACHERS).join(','),
  about: 'students in models/',
}

/**
 * @param {string} name of the benchmark
 * @param {string} images for each student
 * @returns {NonNullable<import('../run.js').Benchmark['options']>}
 */
export const distillingOptions = (name, images) => ({
  teacher: { type: 'string', default: 'models/emoji-16-teacher', about: 'model folder of the teacher' },
  data: { type: 'string', default: DATA, about: 'what it was trained on' },
  category: { type: 'string', default: CATEGORY, about: 'categories of that, for iconify' },
  images: { type: 'string', default: images, about: 'pictures for each student' },
  samples: { type: 'string', default: '922', about: 'pictures to judge by' },
  runs: { type: 'string', default: `runs/${name}`, about: 'where the students go' },
})
