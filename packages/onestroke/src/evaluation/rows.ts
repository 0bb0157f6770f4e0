/** Reads the rows of an evaluation: which is best, how rows compare, and which direction of a number is better. */
import type { Estimate, Evaluation, EvaluationRow, Measure, Series } from './types.js'

/**
 * Which way is better: `one` is nearer to 1; `none` says neither. KID is `none` because it falls below zero only where
 * training pictures are replayed.
 */
export const better: Readonly<Record<Measure, 'low' | 'high' | 'one' | 'none'>> = {
  fid: 'low',
  kid: 'none',
  precision: 'high',
  recall: 'high',
  seconds_per_image: 'low',
  prompt_top1: 'high',
  prompt_top5: 'high',
  teacher_distance: 'low',
  copies: 'low',
  between: 'low',
  diversity: 'high',
  edge_energy: 'one',
  seams: 'one',
}

/** A number that can be shown and compared: NaN, infinities and null are not. */
export const isNumber = (value: number | null | undefined): value is number =>
  typeof value === 'number' && Number.isFinite(value)

const least = <T>(items: readonly T[], cost: (item: T) => number): T | undefined =>
  items.reduce<T | undefined>((a, b) => (a === undefined || cost(b) < cost(a) ? b : a), undefined)

/** The best value of a column, or null where no row has one, or no value is better than another. */
export const bestValue = (rows: readonly EvaluationRow[], measure: Measure): number | null => {
  const values = rows.map((row) => row[measure]).filter(isNumber)
  if (values.length === 0) return null
  const direction = better[measure]
  switch (direction) {
    case 'low':
      return Math.min(...values)
    case 'high':
      return Math.max(...values)
    case 'one':
      return least(values, (value) => Math.abs(value - 1))!
    case 'none':
      return null
    default:
      return direction satisfies never
  }
}

const of = (rows: readonly EvaluationRow[], who: EvaluationRow['who']) =>
  rows.filter((row) => row.who === who)

/**
 * The teacher at its best: of all its rows the one of lowest mean FID, or, where none was measured, of most network
 * evaluations.
 *
 * @param judge by whom; the first if none is named.
 */
export const bestTeacher = (
  { rows }: Pick<Evaluation, 'rows'>,
  judge?: string,
): EvaluationRow | undefined => {
  const teacher = of(rows, 'teacher')
  const fidOf = (row: EvaluationRow) => (judge === undefined ? row.fid : row.judges[judge]?.fid.mean)
  const measured = teacher.filter((row) => isNumber(fidOf(row)))
  return least(measured, (row) => fidOf(row)!) ?? least(teacher, (row) => -row.nfe)
}

/** Multiple of the floor above which pictures are far from real ones: what is not chance is more than chance makes. */
const FAR = 2

/**
 * The teacher's FID at its best as a multiple of the floor's, for each judge that measured both; empty unless the teacher
 * is far from the real pictures by all of them.
 */
export const farTeacher = (evaluation: Pick<Evaluation, 'rows' | 'judges' | 'floor'>): number[] => {
  const multiples = evaluation.judges.flatMap(({ name }) => {
    const best = bestTeacher(evaluation, name)?.judges[name]?.fid.mean
    const floor = evaluation.floor.judges[name]?.fid.mean
    return isNumber(best) && isNumber(floor) && floor > 0 ? [best / floor] : []
  })
  return multiples.every((multiple) => multiple > FAR) ? multiples : []
}

/** How much further from the real pictures its one step must be than the teacher's best, for a judge to tell pictures apart. */
const APART = 1.5

/**
 * Whether any judge tells the teacher's one step, which is a blur, from its best. Where none does, as with few pictures, whose
 * distances are chance above all, they tell as little of the student. True where one step was not measured.
 */
export const canTell = (evaluation: Pick<Evaluation, 'rows' | 'judges'>): boolean => {
  const blur = skipping(evaluation, 1)
  if (!blur) return true
  const ratios = evaluation.judges.flatMap(({ name }) => {
    const best = bestTeacher(evaluation, name)
    const ratio = best && ratioOf(blur, best, name)
    return ratio ? [ratio.mean] : []
  })
  return ratios.length === 0 || Math.max(...ratios) >= APART
}

/** FID, as a multiple of the best, up to which a setting counts as equally good. */
export const EQUAL = 1.02

/**
 * The teacher in the fewest network evaluations that are as good as its best: FID by the first judge at most 2 % above
 * it. The best itself where no FID was measured. Speed is compared with this row.
 */
export const equalTeacher = (evaluation: Pick<Evaluation, 'rows'>): EvaluationRow | undefined => {
  const best = bestTeacher(evaluation)
  if (!isNumber(best?.fid)) return best
  const equal = of(evaluation.rows, 'teacher').filter(({ fid }) => isNumber(fid) && fid <= EQUAL * best.fid!)
  return least(equal, (row) => row.nfe)
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

/** The student's baseline: the teacher, with DDIM, at the same number of steps. */
export const skipping = ({ rows }: Pick<Evaluation, 'rows'>, steps: number): EvaluationRow | undefined =>
  of(rows, 'teacher').find((row) => row.solver === 'ddim' && row.steps === steps)

/**
 * How many times less time one picture takes: the cheapest teacher at its best over the student in fewest steps. Null where
 * nothing tells which of the teacher's settings are its best (see `canTell`), or times were not measured.
 */
export const speedUp = (evaluation: Pick<Evaluation, 'rows' | 'judges'>): number | null => {
  if (!canTell(evaluation)) return null
  const slow = equalTeacher(evaluation)?.seconds_per_image
  const quick = quickestStudent(evaluation)?.seconds_per_image
  return isNumber(slow) && isNumber(quick) && quick > 0 ? slow / quick : null
}

/** How much longer fewer runs of the network may take, a picture, than more of one sampler: the grain of the clock. */
const GRAIN = 1.05

/**
 * Whether times contradict each other: fewer steps of a sampler took longer than more of them. Then the machine was busy,
 * and no ratio of times can be trusted.
 */
export const timingIsNoisy = ({ rows }: Pick<Evaluation, 'rows'>): boolean =>
  rows.some((few) =>
    rows.some(
      (many) =>
        few.who === many.who &&
        few.solver === many.solver &&
        few.nfe < many.nfe &&
        isNumber(few.seconds_per_image) &&
        isNumber(many.seconds_per_image) &&
        few.seconds_per_image > GRAIN * many.seconds_per_image,
    ),
  )

/** Mean and sample standard deviation (null with one value) of what was measured once a noise seed. */
export const estimateOf = (values: readonly number[]): Series => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return {
    mean,
    sd: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : null,
    values: [...values],
  }
}

/**
 * Fréchet distance of a row as a multiple of another's, by one judge: the mean over noise seeds of the ratios at equal
 * noise, and their deviation. Null where the judge did not measure both on the same seeds.
 */
export const ratioOf = (row: EvaluationRow, other: EvaluationRow, judge: string): Estimate | null => {
  const [above, below] = [row.judges[judge]?.fid.values, other.judges[judge]?.fid.values]
  if (!above || !below || above.length !== below.length || above.length === 0) return null
  const ratios = above.map((value, i) => value / below[i]!)
  if (!ratios.every(Number.isFinite)) return null
  const { mean, sd } = estimateOf(ratios)
  return { mean, sd }
}

/** KID below what drawing training pictures at random gives, by two deviations: the samples replay training pictures. */
export const replays = (
  { kid }: Pick<EvaluationRow, 'kid'>,
  { replay }: Pick<Evaluation, 'replay'>,
): boolean => isNumber(kid) && isNumber(replay?.sd) && kid < replay.mean - 2 * replay.sd

/** Student first, then the teacher solver by solver; fewer steps before more. */
export const sortRows = (rows: readonly EvaluationRow[]): EvaluationRow[] =>
  [...rows].sort(
    (a, b) =>
      a.who.localeCompare(b.who) || a.solver.localeCompare(b.solver) || a.steps - b.steps || a.nfe - b.nfe,
  )
