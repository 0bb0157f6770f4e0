/** The judges' names and numbers on the page, and their comparisons of samplers. */
import {
  bestTeacher,
  type Estimate,
  type Evaluation,
  type EvaluationRow,
  isNumber,
  type JudgeInfo,
  judgeLabel,
  ratioOf,
} from '../evaluation/index.js'
import { estimate, times } from './format.js'

export interface ShownJudge extends JudgeInfo {
  /** Two or three words. */
  label: string
  /** What its distances are multiplied by to be shown: 1000 where they are small. */
  scale: 1 | 1000
  /** What its distances are called. */
  unit: 'FID' | 'FID × 10³'
}

/** Mark behind the name of a judge that took part in choosing. */
export const MARK = '*'

/** Distances below this are shown times 1000. */
const SMALL = 0.1

export const judgesOf = ({ judges, rows }: Pick<Evaluation, 'judges' | 'rows'>): ShownJudge[] =>
  judges.map((judge): ShownJudge => {
    const distances = rows.map((row) => row.judges[judge.name]?.fid.mean).filter(isNumber)
    const small = distances.length > 0 && Math.min(...distances) < SMALL
    return {
      ...judge,
      label: judgeLabel(judge.name),
      scale: small ? 1000 : 1,
      unit: small ? 'FID × 10³' : 'FID',
    }
  })

/** `own features*`. */
export const marked = ({ label, took_part }: ShownJudge) => `${label}${took_part ? MARK : ''}`

/** One judge's answer to "how many times as far from the real pictures as the teacher at its best". */
export interface Comparison {
  judge: ShownJudge
  ratio: Estimate
  /** The teacher at its best, by this judge. */
  best: EvaluationRow
}

/** A row's distance to the real pictures as a multiple of the teacher's at its best, by every judge that measured both. */
export const compare = (evaluation: Pick<Evaluation, 'judges' | 'rows'>, row: EvaluationRow): Comparison[] =>
  judgesOf(evaluation).flatMap((judge) => {
    const best = bestTeacher(evaluation, judge.name)
    const ratio = best && ratioOf(row, best, judge.name)
    return ratio ? [{ judge, ratio, best }] : []
  })

/** From the mildest judge to the strictest: `1.2–1.5 ×`; one number where they agree. */
export const span = (comparisons: readonly Comparison[]): string =>
  spanOf(comparisons.map(({ ratio }) => ratio.mean))

/** `1.2–1.5 ×`. */
export const spanOf = (multiples: readonly number[]): string => {
  const [low, high] = [times(Math.min(...multiples)), times(Math.max(...multiples))]
  return low === high ? low : `${low.replace(' ×', '')}–${high}`
}

/** `1.5 ± 0.1 × by own features*`, for each judge. */
export const byJudge = (comparisons: readonly Comparison[]): string[] =>
  comparisons.map(({ judge, ratio }) => `${estimate(ratio, { digits: 1 })} × by ${marked(judge)}`)

/** What is said of the floor. */
interface FloorWords {
  /** In a plot's legend, which is narrow. */
  readonly line: string
  /** In a table. */
  readonly name: string
  /** What its numbers tell, in two sentences. */
  readonly about: string
}

export const floorWords = ({ kind }: Evaluation['floor']): FloorWords => {
  switch (kind) {
    case 'test':
      return {
        line: 'Training against test pictures',
        name: 'Training pictures, against test pictures',
        about:
          'What training pictures drawn at random score against the test pictures, which the model never saw. A model that repeats its training pictures would score as much.',
      }
    case 'same-name':
      return {
        line: 'Training pictures, same name',
        name: 'Training pictures of the same name, drawn at random',
        about:
          'What one scores who answers each prompt with a training picture of that name, drawn at random. It is a mark to measure by, not a limit: a model that repeats its training pictures more evenly scores lower.',
      }
    case 'resample':
      return {
        line: 'Training pictures, at random',
        name: 'Training pictures drawn at random',
        about:
          'What one scores who answers with training pictures drawn at random. It is a mark to measure by, not a limit: a model that repeats its training pictures more evenly scores lower.',
      }
    default:
      return { line: kind satisfies never, name: kind, about: kind }
  }
}
