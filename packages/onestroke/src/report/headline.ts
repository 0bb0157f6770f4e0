/** The three or four numbers at the top of the page. */
import {
  bestStudent,
  bestTeacher,
  canTell,
  EQUAL,
  type Evaluation,
  type EvaluationRow,
  equalTeacher,
  farTeacher,
  isNumber,
  quickestStudent,
  skipping,
  speedUp,
  timingIsNoisy,
} from '../evaluation/index.js'
import {
  compact,
  counted,
  duration,
  estimate,
  milliseconds,
  significant,
  solverName,
  times,
} from './format.js'
import { byJudge, type Comparison, compare, judgesOf, MARK, span, spanOf } from './judges.js'
import type { Report, Run } from './types.js'

export interface Headline {
  value: string
  label: string
  /** Short lines that the value sums up. */
  parts?: string[]
  detail?: string
}

/** `32 Heun steps`. */
export const sampler = (row: EvaluationRow) =>
  row.who === 'student'
    ? counted(row.steps, 'step')
    : `${row.steps} ${solverName(row.solver)} step${row.steps === 1 ? '' : 's'}`

/** A note beside the teacher's best if there was no time to search for it; else ''. */
export const ofFew = ({ rows, teacher_sought }: Pick<Evaluation, 'rows' | 'teacher_sought'>): string => {
  if (teacher_sought !== false) return ''
  const tried = rows.filter(({ who }) => who === 'teacher').length
  return ` of the ${counted(tried, 'setting')} that there was time for`
}

/** How the teacher paints at its best: `12 DPM-Solver++ steps`; by each judge where they do not agree. */
export const bestSampler = (comparisons: readonly Comparison[]): string => {
  const samplers = new Map<string, string[]>()
  for (const { judge, best } of comparisons)
    samplers.set(sampler(best), [...(samplers.get(sampler(best)) ?? []), judge.label])
  if (samplers.size === 1) return sampler(comparisons[0]!.best)
  return [...samplers].map(([how, labels]) => `${how} by ${labels.join(' and ')}`).join(', ')
}

/** Why the distances say little, in a sentence; else ''. See `canTell` and `farTeacher`. */
export const caveat = (evaluation: Evaluation): string => {
  if (!canTell(evaluation))
    return `These distances tell nothing yet: by every judge the teacher’s one step, which is a blur, comes about as near to the real pictures as its best. There are too few pictures (${counted(evaluation.samples, 'picture')} a row, ${counted(evaluation.noise_seeds.length, 'noise seed')}), or the teacher has hardly learned; onestroke evaluate measures with more.`
  const multiples = farTeacher(evaluation)
  return multiples.length > 0
    ? `The teacher’s own pictures are still far from real ones: at its best ${spanOf(multiples)} as far as training pictures drawn at random.`
    : ''
}

/** The first judge's name where there are others: ` by own features`. */
export const byFirst = (evaluation: Pick<Evaluation, 'judges' | 'rows'>): string => {
  const [first, second] = judgesOf(evaluation)
  return first && second ? ` by ${first.label}` : ''
}

/** The headline numbers of a report; without an evaluation, only its networks and their training. */
export const headlines = ({ evaluation, reconstruction, runs }: Report): Headline[] => [
  ...(evaluation ? measured(evaluation) : []),
  ...(reconstruction ? givenBack(reconstruction) : []),
  ...trained(runs, !evaluation),
]

const givenBack = ({
  psnr,
  pictures,
  held_out,
  factor,
  latent_channels,
  decode_ms,
}: NonNullable<Report['reconstruction']>): Headline[] => [
  {
    value: `${psnr.mean.toFixed(1)} dB`,
    label: 'what comes back, against what went in',
    detail: `Mean peak signal-to-noise ratio of ${counted(pictures, 'picture')}${held_out ? ' that it did not learn from' : ''}; higher is better. Below 25 dB pictures look blurred, and above 35 dB it takes a second look.`,
  },
  {
    value: `${latent_channels}`,
    label: `numbers for each ${factor} × ${factor} pixels`,
    detail: `It takes ${significant(decode_ms)} ms to make a picture of them.`,
  },
]

const measured = (evaluation: Evaluation): Headline[] =>
  [...quality(evaluation), speed(evaluation)].filter((headline) => headline !== undefined)

const quality = (evaluation: Evaluation): (Headline | undefined)[] => {
  const quick = quickestStudent(evaluation)
  const teacher = bestTeacher(evaluation)
  if (!quick) return teacher ? [distance(evaluation, teacher)] : []
  const best = bestStudent(evaluation)
  const other = best !== quick ? best : undefined
  if (!teacher) return [distance(evaluation, quick), other && distance(evaluation, other)]
  const comparisons = compare(evaluation, quick)
  if (comparisons.length === 0) return []
  const label = `the teacher’s distance to the real pictures, in ${sampler(quick)}`
  if (!canTell(evaluation)) return [{ value: '?', label, detail: caveat(evaluation) }]
  return [
    {
      value: span(comparisons),
      label,
      parts: [...byJudge(comparisons), ...footnote(comparisons)],
      detail: [
        caveat(evaluation),
        `1 × would be as good as the teacher at its best${ofFew(evaluation)}, in ${bestSampler(comparisons)}.`,
        skipped(evaluation, quick),
      ]
        .filter((text) => text !== '')
        .join(' '),
    },
    other && inMoreSteps(evaluation, other),
  ]
}

/** Without a teacher to compare with: the distance itself, by the first judge. */
const distance = (evaluation: Evaluation, row: EvaluationRow): Headline | undefined => {
  if (!isNumber(row.fid)) return undefined
  const [judge] = judgesOf(evaluation)
  const of = { mean: row.fid, sd: row.deviation.fid ?? null }
  return {
    value: `${judge?.unit ?? 'FID'} ${estimate(of, { scale: judge?.scale ?? 1 })}`,
    label: `in ${sampler(row)}`,
    ...(judge && { detail: `Distance to the real pictures, by ${judge.label}; lower is better.` }),
  }
}

const inMoreSteps = (evaluation: Evaluation, row: EvaluationRow): Headline | undefined => {
  const comparisons = compare(evaluation, row)
  if (comparisons.length === 0) return undefined
  return {
    value: span(comparisons),
    label: `in ${sampler(row)}, the student’s best`,
    parts: byJudge(comparisons),
  }
}

/** The teacher's result in as many steps. */
const skipped = (evaluation: Evaluation, quick: EvaluationRow): string => {
  const row = skipping(evaluation, quick.steps)
  const comparisons = row ? compare(evaluation, row) : []
  return row && comparisons.length > 0 ? `The teacher skipping to ${sampler(row)}: ${span(comparisons)}.` : ''
}

const footnote = (comparisons: readonly Comparison[]): string[] =>
  comparisons.some(({ judge }) => judge.took_part) ? [`${MARK} took part in choosing the student`] : []

/** The note if times contradict each other. */
export const NOISY_TIMING =
  'Timing was noisy: fewer steps of one sampler took longer than more, because something else was at work on the machine. evaluate measures again.'

const speed = (evaluation: Evaluation): Headline | undefined => {
  const quick = quickestStudent(evaluation)
  const teacher = equalTeacher(evaluation)
  const factor = speedUp(evaluation)
  if (!factor || !quick || !teacher) return undefined
  const percent = Math.round(100 * (EQUAL - 1))
  return {
    value: times(Math.max(factor, 1 / factor)),
    label: `${factor >= 1 ? 'faster' : 'slower'} per picture`,
    detail: `${milliseconds(quick.seconds_per_image)} instead of ${milliseconds(teacher.seconds_per_image)}; ${counted(quick.nfe, 'network evaluation')} instead of ${teacher.nfe}. Compared with ${sampler(teacher)}, the teacher’s cheapest way to come within ${percent} % of its best${byFirst(evaluation)}${ofFew(evaluation)}.${timingIsNoisy(evaluation) ? ` ${NOISY_TIMING}` : ''}`,
  }
}

const trained = (runs: readonly Run[], alone: boolean): Headline[] => {
  const teacher = runs.find((run) => run.name === 'teacher')
  const student = runs.find((run) => run.name === 'student')
  const shown = student ?? teacher ?? runs[0]
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
