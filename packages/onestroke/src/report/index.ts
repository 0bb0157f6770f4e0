export { counted, estimate, solverName, writeEstimate } from './format.js'
export {
  bestSampler,
  byFirst,
  caveat,
  headlines,
  ofFew,
  sampler,
} from './headline.js'
export { compare, judgesOf, marked, span } from './judges.js'
export { thisMachine } from './machine.js'
export { renderReport } from './page.js'
export type { Course, Report } from './types.js'
export { writeReport } from './write.js'
