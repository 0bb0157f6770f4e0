// TEMPORARY, until all import these from evaluation/.
export { bestTeacher, speedUp } from '../evaluation/rows.js'
export type { Evaluation, EvaluationRow } from '../evaluation/types.js'
export { solverName } from './format.js'
export { type Headline, headlines, sampler } from './headline.js'
export { byJudge, compare, span } from './judges.js'
export { renderReport } from './page.js'
export type { Course, Grid, LossCurve, Machine, Report, Run, Section } from './types.js'
export { writeReport } from './write.js'
