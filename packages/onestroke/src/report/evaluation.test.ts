import { describe, expect, it } from 'vitest'
import {
  bestStudent,
  bestTeacher,
  bestValue,
  type Evaluation,
  quickestStudent,
  skipping,
  sortRows,
  speedUp,
} from './evaluation.js'
import { exampleEvaluation, exampleReport, minimalReport } from './example.js'
import { headlines } from './headline.js'

const { rows } = exampleEvaluation
const only = (keep: (row: Evaluation['rows'][number]) => boolean) => ({
  ...exampleEvaluation,
  rows: rows.filter(keep),
})

describe('what an evaluation says', () => {
  it('finds the rows that matter', () => {
    expect(bestTeacher(exampleEvaluation)).toMatchObject({ solver: 'heun', steps: 32 })
    expect(quickestStudent(exampleEvaluation)).toMatchObject({ steps: 1 })
    expect(bestStudent(exampleEvaluation)).toMatchObject({ steps: 4 })
    expect(skipping(exampleEvaluation, 2)).toMatchObject({ who: 'teacher', solver: 'ddim', fid: 187.4 })
    expect(skipping(exampleEvaluation, 3)).toBeUndefined()
  })

  it('takes the most evaluations for the best where no FID was measured', () => {
    const unmeasured = { rows: rows.map((row) => ({ ...row, fid: null })) }
    expect(bestTeacher(unmeasured)).toMatchObject({ solver: 'heun', steps: 32 })
    expect(bestStudent(unmeasured)).toBeUndefined()
  })

  it('divides the best teacher by the quickest student', () => {
    expect(speedUp(exampleEvaluation)).toBeCloseTo(0.0341 / 0.00056, 10)
    expect(speedUp(only((row) => row.who === 'teacher'))).toBeNull()
    expect(speedUp({ rows: rows.map((row) => ({ ...row, seconds_per_image: null })) })).toBeNull()
    expect(speedUp({ rows: rows.map((row) => ({ ...row, seconds_per_image: 0 })) })).toBeNull()
  })

  it('knows which way is better, and passes over what is no number', () => {
    expect(bestValue(rows, 'fid')).toBe(9.84)
    expect(bestValue(rows, 'precision')).toBe(Math.max(...rows.map((row) => row.precision!)))
    expect(bestValue(rows, 'prompt_top1')).toBeNull()
    expect(bestValue([{ ...rows[0]!, fid: Number.NaN }, rows[1]!], 'fid')).toBe(9.84)
  })

  it('sorts without touching the original', () => {
    const before = structuredClone(rows)
    expect(sortRows(rows).map((row) => `${row.solver} ${row.steps}`)).toEqual([
      ...['consistency 1', 'consistency 2', 'consistency 4'],
      ...['ddim 1', 'ddim 2', 'ddim 4', 'heun 8', 'heun 32'],
    ])
    expect(rows).toEqual(before)
  })
})

describe('headlines', () => {
  it('compares student and teacher', () => {
    expect(headlines(exampleReport)).toEqual([
      {
        value: 'FID 14.3',
        label: 'in 1 step',
        detail: 'Teacher: 9.84 in 32 Heun steps. Skipping steps instead, 1 DDIM step: 301.',
      },
      {
        value: 'FID 10.3',
        label: 'in 4 steps, the student’s best',
        detail: 'Real against real pictures: 4.31.',
      },
      {
        value: '×61',
        label: 'faster per picture',
        detail: '0.56 ms instead of 34.1 ms; 1 network evaluation instead of 63.',
      },
      { value: '4.21M', label: 'parameters in the student', detail: 'Teacher: 4.21M.' },
    ])
  })

  it('does with less', () => {
    expect(headlines(minimalReport)).toEqual([])
    expect(
      headlines({ ...minimalReport, runs: exampleReport.runs.slice(0, 1) }).map(
        (h) => `${h.value} ${h.label}`,
      ),
    ).toEqual(['4.21M parameters in the teacher', '2 h 14 min to train'])
    const teacher = only((row) => row.who === 'teacher')
    expect(headlines({ ...minimalReport, evaluation: teacher })).toEqual([
      { value: 'FID 9.84', label: 'in 32 Heun steps' },
    ])
  })

  it('does not call a slower student faster', () => {
    const slow = {
      ...exampleEvaluation,
      rows: rows.map((row) => (row.who === 'student' ? { ...row, seconds_per_image: 1 } : row)),
    }
    expect(headlines({ ...minimalReport, evaluation: slow })).toContainEqual(
      expect.objectContaining({ value: '×29', label: 'slower per picture' }),
    )
  })
})
