import { describe, expect, it } from 'vitest'
import {
  bestStudent,
  bestTeacher,
  bestValue,
  canTell,
  equalTeacher,
  estimateOf,
  farTeacher,
  quickestStudent,
  ratioOf,
  replays,
  skipping,
  sortRows,
  speedUp,
} from './rows.js'
import type { EvaluationRow } from './types.js'

const NOTHING = {
  fid: null,
  kid: null,
  precision: null,
  recall: null,
  seconds_per_image: null,
  prompt_top1: null,
  prompt_top5: null,
  teacher_distance: null,
  copies: null,
  between: null,
  diversity: null,
  edge_energy: null,
  seams: null,
}

const row = (
  who: EvaluationRow['who'],
  solver: string,
  steps: number,
  measured: Partial<EvaluationRow>,
): EvaluationRow => ({
  ...NOTHING,
  who,
  solver,
  steps,
  nfe: solver === 'heun' ? 2 * steps - 1 : steps,
  deviation: {},
  judges: {},
  ...measured,
})

const rows = [
  row('teacher', 'heun', 18, { fid: 10, seconds_per_image: 0.035 }),
  row('teacher', 'dpmpp_2m', 20, { fid: 10.3, seconds_per_image: 0.02 }),
  row('teacher', 'dpmpp_2m', 12, { fid: 10.2, seconds_per_image: 0.012 }),
  row('teacher', 'ddim', 2, { fid: 9, seconds_per_image: 0.002 }),
  row('student', 'consistency', 2, { fid: 12, seconds_per_image: 0.002, edge_energy: 0.9, kid: -3 }),
  row('student', 'consistency', 1, { fid: 15, seconds_per_image: 0.001, edge_energy: 1.2, kid: 1 }),
]
const of = (who: EvaluationRow['who']) => rows.filter((one) => one.who === who)
const without = (measure: 'fid' | 'seconds_per_image') => rows.map((one) => ({ ...one, [measure]: null }))

describe('the rows that matter', () => {
  it('are found', () => {
    // However few its steps.
    expect(bestTeacher({ rows })).toMatchObject({ solver: 'ddim', steps: 2 })
    expect(quickestStudent({ rows })).toMatchObject({ steps: 1 })
    expect(bestStudent({ rows })).toMatchObject({ steps: 2 })
    expect(skipping({ rows }, 2)).toMatchObject({ who: 'teacher', solver: 'ddim', fid: 9 })
    expect(skipping({ rows }, 3)).toBeUndefined()
  })

  it('include the cheapest teacher within 2 % of the best', () => {
    const many = rows.filter(({ solver }) => solver !== 'ddim')
    expect(equalTeacher({ rows: many })).toMatchObject({ solver: 'dpmpp_2m', steps: 12 })
    const worse = many.map((one) => (one.steps === 12 ? { ...one, fid: 10.21 } : one))
    expect(equalTeacher({ rows: worse })).toMatchObject({ solver: 'heun', steps: 18 })
    expect(speedUp({ rows: many, judges: [] })).toBeCloseTo(12, 9)
    expect(speedUp({ rows: worse, judges: [] })).toBeCloseTo(35, 9)
  })

  it('include each judge’s own best teacher, and no other is as cheap and as good', () => {
    const by = (own: number, pixels: number) => ({
      fid: own,
      judges: Object.fromEntries(
        Object.entries({ own, pixels }).map(([name, fid]) => [
          name,
          { fid: estimateOf([fid]), kid: estimateOf([0]) },
        ]),
      ),
    })
    const judged = [
      row('teacher', 'dpmpp_2m', 12, { ...by(45, 40), seconds_per_image: 0.012 }),
      row('teacher', 'ddim', 2, { ...by(35, 45), seconds_per_image: 0.002 }),
      row('teacher', 'ddim', 4, { ...by(37, 44), seconds_per_image: 0.004 }),
      row('student', 'consistency', 4, { ...by(31, 40), seconds_per_image: 0.001 }),
    ]
    expect(bestTeacher({ rows: judged })).toMatchObject({ solver: 'ddim', steps: 2 })
    expect(bestTeacher({ rows: judged }, 'own')).toMatchObject({ solver: 'ddim', steps: 2 })
    expect(bestTeacher({ rows: judged }, 'pixels')).toMatchObject({ solver: 'dpmpp_2m', steps: 12 })
    expect(equalTeacher({ rows: judged })).toMatchObject({ solver: 'ddim', steps: 2 })
    expect(speedUp({ rows: judged, judges: [] })).toBeCloseTo(2, 9)
  })

  it('are those of most evaluations where no FID was measured', () => {
    const unmeasured = { rows: without('fid') }
    expect(bestTeacher(unmeasured)).toMatchObject({ solver: 'heun', steps: 18 })
    expect(equalTeacher(unmeasured)).toMatchObject({ solver: 'heun', steps: 18 })
    expect(bestStudent(unmeasured)).toBeUndefined()
  })

  it('do not always tell a speed', () => {
    expect(speedUp({ rows: of('teacher'), judges: [] })).toBeNull()
    expect(speedUp({ rows: of('student'), judges: [] })).toBeNull()
    expect(speedUp({ rows: without('seconds_per_image'), judges: [] })).toBeNull()
    expect(speedUp({ rows: rows.map((one) => ({ ...one, seconds_per_image: 0 })), judges: [] })).toBeNull()
  })

  it('are sorted without touching the original', () => {
    const before = structuredClone(rows)
    expect(sortRows(rows).map(({ solver, steps }) => `${solver} ${steps}`)).toEqual([
      'consistency 1',
      'consistency 2',
      'ddim 2',
      'dpmpp_2m 12',
      'dpmpp_2m 20',
      'heun 18',
    ])
    expect(rows).toEqual(before)
  })
})

const judgeNamed = (name: string) => ({ name, sha256: '', dims: 64, about: '', took_part: false })
/** FIDs by judge, from one noise. */
const judged = (fids: Record<string, number>) =>
  Object.fromEntries(
    Object.entries(fids).map(([name, fid]) => [name, { fid: estimateOf([fid]), kid: estimateOf([0]) }]),
  )

describe('judges', () => {
  const judges = ['own', 'pixels'].map(judgeNamed)
  const measured = (blur: Record<string, number>, best: Record<string, number>) => ({
    judges,
    rows: [
      row('teacher', 'ddim', 1, { judges: judged(blur) }),
      row('teacher', 'dpmpp_2m', 12, { judges: judged(best) }),
      row('student', 'consistency', 1, { judges: judged(best) }),
    ],
  })

  it('tell pictures apart if one of them tells the teacher’s one step from its best', () => {
    expect(canTell(measured({ own: 30, pixels: 5 }, { own: 5, pixels: 5 }))).toBe(true)
    expect(canTell(measured({ own: 6, pixels: 7.5 }, { own: 5, pixels: 5 }))).toBe(true)
  })

  it('tell nothing if none does, as with few pictures, or if its one step is its best', () => {
    expect(canTell(measured({ own: 0.161, pixels: 20.7 }, { own: 0.148, pixels: 21 }))).toBe(false)
    expect(canTell(measured({ own: 30, pixels: 40 }, { own: 45, pixels: 49 }))).toBe(false)
  })

  it('are believed where one step was not measured', () => {
    const { rows } = measured({ own: 6, pixels: 5 }, { own: 5, pixels: 5 })
    expect(canTell({ judges, rows: rows.slice(1) })).toBe(true)
  })
})

describe('a teacher that has hardly learned', () => {
  const multiples = (teacher: Record<string, number>, floor: Record<string, number>) =>
    farTeacher({
      judges: ['own', 'pixels'].map(judgeNamed),
      floor: { kind: 'same-name', fid: null, kid: null, judges: judged(floor) },
      rows: [
        row('teacher', 'ddim', 1, { fid: 90, judges: judged({ own: 90, pixels: 90 }) }),
        row('teacher', 'dpmpp_2m', 12, { fid: teacher.own ?? null, judges: judged(teacher) }),
      ],
    })

  it('is more than twice as far from real pictures as training pictures are by chance, by every judge', () => {
    expect(multiples({ own: 21, pixels: 30 }, { own: 10, pixels: 10 })).toEqual([2.1, 3])
    expect(multiples({ own: 15, pixels: 30 }, { own: 10, pixels: 10 })).toEqual([])
    expect(multiples({ own: 20, pixels: 20 }, { own: 10, pixels: 10 })).toEqual([])
  })

  it('is not told where there is no floor', () => {
    expect(multiples({ own: 21, pixels: 30 }, {})).toEqual([])
    expect(multiples({ own: 21, pixels: 30 }, { own: 0, pixels: 10 })).toEqual([3])
  })
})

describe('the best value', () => {
  it('is low, high, or near to 1', () => {
    expect(bestValue(rows, 'fid')).toBe(9)
    expect(bestValue(of('student'), 'edge_energy')).toBe(0.9)
    expect(bestValue([row('student', 'x', 1, { recall: 0.2 }), row('student', 'x', 2, { recall: 0.7 })], 'recall')).toBe(0.7) // biome-ignore format: short
  })

  it('does not exist where there is none, or none is better than another', () => {
    expect(bestValue(rows, 'recall')).toBeNull()
    expect(bestValue(rows, 'kid')).toBeNull()
    expect(bestValue([{ ...rows[0]!, fid: Number.NaN }, rows[1]!], 'fid')).toBe(10.3)
  })
})

describe('what noise leaves of a number', () => {
  it('is a mean and the deviation of a sample', () => {
    expect(estimateOf([1, 3])).toEqual({ mean: 2, sd: Math.SQRT2, values: [1, 3] })
    expect(estimateOf([5])).toEqual({ mean: 5, sd: null, values: [5] })
  })

  it('is less of a ratio at equal noises', () => {
    const judged = (values: number[]) =>
      row('student', 'x', 1, { judges: { own: { fid: estimateOf(values), kid: estimateOf(values) } } })
    const [a, b] = [judged([2, 20]), judged([1, 10])]
    expect(ratioOf(a, b, 'own')).toEqual({ mean: 2, sd: 0 })
    expect(ratioOf(a, judged([20, 10]), 'own')?.mean).toBeCloseTo((0.1 + 2) / 2, 12)
    expect(ratioOf(a, b, 'pixels')).toBeNull()
    expect(ratioOf(a, judged([1]), 'own')).toBeNull()
    expect(ratioOf(a, judged([1, 0]), 'own')).toBeNull()
  })
})

describe('replayed pictures', () => {
  it('have a KID two deviations below what drawn training pictures have', () => {
    const replay = { mean: -2, sd: 0.5 }
    expect(replays({ kid: -3.1 }, { replay })).toBe(true)
    expect(replays({ kid: -2.9 }, { replay })).toBe(false)
    expect(replays({ kid: null }, { replay })).toBe(false)
    expect(replays({ kid: -9 }, { replay: null })).toBe(false)
    expect(replays({ kid: -9 }, { replay: { mean: -2, sd: null } })).toBe(false)
  })
})
