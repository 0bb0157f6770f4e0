/**
 * The comparison of `methods` among the best of them, for as many images as they need to come close to their teacher.
 * `--runs` keeps students, and continues what was interrupted.
 */
import { distillingOptions } from './lib/emoji.js'
import { run as compare, comparison } from './methods.js'

export const about = 'the best methods from one teacher, for longer'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  ...distillingOptions('methods-longer', '60000'),
  ...comparison,
  equal: { ...comparison.equal, default: 'images' },
  minutes: { ...comparison.minutes, default: '6' },
  methods: { ...comparison.methods, default: 'ecd-fine' },
}

export const run = compare
