export { counted, estimate, solverName, writeEstimate } from './format.js'
export {
  bestSampler,
  byFirst,
  caveat,
  type Headline,
  headlines,
  ofFew,
  sampler,
} from './headline.js'
export { byJudge, compare, judgesOf, marked, span } from './judges.js'
export { renderReport } from './page.js'
export type { Course, Grid, LossCurve, Machine, Report, Run, Section } from './types.js'
export { writeReport } from './write.js'
