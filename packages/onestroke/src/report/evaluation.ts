/** The document of `onestroke evaluate --json`, and the few numbers one derives from it. */

/** One sampler measured. A field that does not apply, or could not be measured, is null. */
export interface EvaluationRow {
  who: 'student' | 'teacher'
  /** `consistency`, `ddim`, `heun`, … */
  solver: string
  steps: number
  /** Network evaluations for one picture. */
  nfe: number
  fid: number | null
  kid: number | null
  precision: number | null
  recall: number | null
  seconds_per_image: number | null
  /** Share of pictures whose nearest training picture is the one that the prompt names. */
  prompt_top1: number | null
  prompt_top5: number | null
  /** RMSE, in [-1, 1] pixels, to the teacher's 64-step Heun endpoint from the same noise. */
  teacher_distance: number | null
}

export interface Evaluation {
  model: { path: string; sha256: string; parameters: number; kind: 'teacher' | 'student' }
  data: { name: string; images: number }
  samples: number
  seed: number
  /** The network whose features the distances compare. */
  features: { name: string; sha256: string; dims: number }
  /** Real pictures against real pictures: what a perfect model would reach. */
  floor: { fid: number | null; kid: number | null }
  rows: EvaluationRow[]
  /** Outputs differ from the teacher's at equal noise, and so do the weights; null without a teacher. */
  student_is_student: boolean | null
}

/** The columns of a row that can be better or worse. */
export type Measure = {
  [K in keyof EvaluationRow]: null extends EvaluationRow[K] ? K : never
}[keyof EvaluationRow]

/** Which way is better. */
export const better: Readonly<Record<Measure, 'low' | 'high'>> = {
  fid: 'low',
  kid: 'low',
  precision: 'high',
  recall: 'high',
  seconds_per_image: 'low',
  prompt_top1: 'high',
  prompt_top5: 'high',
  teacher_distance: 'low',
}

/** A number that can be shown and compared: NaN, infinities and null are not. */
export const isNumber = (value: number | null | undefined): value is number =>
  typeof value === 'number' && Number.isFinite(value)

/** The best value of a column, or null where no row has one. */
export const bestValue = (rows: readonly EvaluationRow[], measure: Measure): number | null => {
  const values = rows.map((row) => row[measure]).filter(isNumber)
  if (values.length === 0) return null
  return better[measure] === 'low' ? Math.min(...values) : Math.max(...values)
}

const least = <T>(items: readonly T[], cost: (item: T) => number): T | undefined =>
  items.reduce<T | undefined>((a, b) => (a === undefined || cost(b) < cost(a) ? b : a), undefined)

const of = (rows: readonly EvaluationRow[], who: EvaluationRow['who']) =>
  rows.filter((row) => row.who === who)

/**
 * The teacher at its best with many steps, more than the student was given: lowest FID, or, where none was measured,
 * most network evaluations.
 */
export const bestTeacher = ({ rows }: Pick<Evaluation, 'rows'>): EvaluationRow | undefined => {
  const few = Math.max(0, ...of(rows, 'student').map(({ steps }) => steps))
  const many = of(rows, 'teacher').filter(({ nfe }) => nfe > few)
  const teacher = many.length > 0 ? many : of(rows, 'teacher')
  const measured = teacher.filter((row) => isNumber(row.fid))
  return least(measured, (row) => row.fid!) ?? least(teacher, (row) => -row.nfe)
}

/** The student in as few steps as were measured: one, as a rule. */
export const quickestStudent = ({ rows }: Pick<Evaluation, 'rows'>): EvaluationRow | undefined =>
  least(of(rows, 'student'), (row) => row.steps)

/** The student at its best: lowest FID. */
export const bestStudent = ({ rows }: Pick<Evaluation, 'rows'>): EvaluationRow | undefined =>
  least(
    of(rows, 'student').filter((row) => isNumber(row.fid)),
    (row) => row.fid!,
  )

/** What the student has to beat: the teacher, with DDIM, at the same number of steps. */
export const skipping = ({ rows }: Pick<Evaluation, 'rows'>, steps: number): EvaluationRow | undefined =>
  of(rows, 'teacher').find((row) => row.solver === 'ddim' && row.steps === steps)

/** How many times less time one picture takes: the teacher at its best over the student in one step. */
export const speedUp = (evaluation: Pick<Evaluation, 'rows'>): number | null => {
  const slow = bestTeacher(evaluation)?.seconds_per_image
  const quick = quickestStudent(evaluation)?.seconds_per_image
  return isNumber(slow) && isNumber(quick) && quick > 0 ? slow / quick : null
}

/** Student first, then the teacher solver by solver; fewer steps before more. */
export const sortRows = (rows: readonly EvaluationRow[]): EvaluationRow[] =>
  [...rows].sort(
    (a, b) =>
      a.who.localeCompare(b.who) || a.solver.localeCompare(b.solver) || a.steps - b.steps || a.nfe - b.nfe,
  )
