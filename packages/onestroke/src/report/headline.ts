/** The three or four numbers at the top of the page. */
import {
  bestStudent,
  bestTeacher,
  type Evaluation,
  type EvaluationRow,
  isNumber,
  quickestStudent,
  skipping,
  speedUp,
} from './evaluation.js'
import { compact, counted, duration, milliseconds, score, solverName, times } from './format.js'
import type { Report, Run } from './types.js'

export interface Headline {
  value: string
  label: string
  detail?: string
}

/** `32 Heun steps`. */
const sampler = (row: EvaluationRow) =>
  row.who === 'student'
    ? counted(row.steps, 'step')
    : `${row.steps} ${solverName(row.solver)} step${row.steps === 1 ? '' : 's'}`

/** The headline numbers of a report; without an evaluation, only its networks and their training. */
export const headlines = ({ evaluation, runs }: Report): Headline[] => [
  ...(evaluation ? measured(evaluation) : []),
  ...trained(runs, !evaluation),
]

const measured = (evaluation: Evaluation): Headline[] => {
  const [quick, best, teacher] = [
    quickestStudent(evaluation),
    bestStudent(evaluation),
    bestTeacher(evaluation),
  ]
  const skipped = quick && skipping(evaluation, quick.steps)
  const list: Headline[] = []
  if (quick && isNumber(quick.fid))
    list.push({
      value: `FID ${score(quick.fid)}`,
      label: `in ${sampler(quick)}`,
      ...(teacher && {
        detail: `Teacher: ${score(teacher.fid)} in ${sampler(teacher)}.${against(skipped)}`,
      }),
    })
  else if (!quick && teacher && isNumber(teacher.fid))
    list.push({ value: `FID ${score(teacher.fid)}`, label: `in ${sampler(teacher)}` })
  if (quick && best && best !== quick)
    list.push({
      value: `FID ${score(best.fid)}`,
      label: `in ${sampler(best)}, the student’s best`,
      ...(isNumber(evaluation.floor.fid) && {
        detail: `Real against real pictures: ${score(evaluation.floor.fid)}.`,
      }),
    })
  const factor = speedUp(evaluation)
  if (factor && quick && teacher)
    list.push({
      value: times(Math.max(factor, 1 / factor)),
      label: `${factor >= 1 ? 'faster' : 'slower'} per picture`,
      detail: `${milliseconds(quick.seconds_per_image)} instead of ${milliseconds(teacher.seconds_per_image)}; ${counted(quick.nfe, 'network evaluation')} instead of ${teacher.nfe}.`,
    })
  return list
}

const against = (skipped: EvaluationRow | undefined) =>
  skipped && isNumber(skipped.fid)
    ? ` Skipping steps instead, ${sampler(skipped)}: ${score(skipped.fid)}.`
    : ''

const trained = (runs: readonly Run[], alone: boolean): Headline[] => {
  const [teacher, student] = [
    runs.find((run) => run.name === 'teacher'),
    runs.find((run) => run.name === 'student'),
  ]
  const shown = student ?? teacher
  if (!shown) return []
  const list: Headline[] = [
    {
      value: compact(shown.parameters),
      label: `parameters in the ${shown.name}`,
      ...(student && teacher && { detail: `Teacher: ${compact(teacher.parameters)}.` }),
    },
  ]
  if (alone)
    list.push({
      value: duration(shown.seconds),
      label: `to ${shown.name === 'student' ? 'distil' : 'train'}`,
      detail: `${compact(shown.images_seen)} pictures seen.`,
    })
  return list
}
