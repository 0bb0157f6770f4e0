import { describe, expect, it } from 'vitest'
import type { Evaluation, EvaluationRow } from '../evaluation/index.js'
import { headlines } from './headline.js'
import { byJudge, compare, judgesOf, span } from './judges.js'
import { exampleEvaluation, exampleReport, minimalReport } from './testing.js'

const { rows, judges } = exampleEvaluation
const change = (with_: (row: EvaluationRow) => EvaluationRow): Evaluation => ({
  ...exampleEvaluation,
  rows: rows.map(with_),
})
const rowOf = (who: EvaluationRow['who'], solver: string, steps: number) =>
  rows.find((row) => row.who === who && row.solver === solver && row.steps === steps)!
const of = (evaluation: Evaluation) => headlines({ ...minimalReport, evaluation })

describe('judges', () => {
  it('compare two rows at equal noise, each by itself', () => {
    const found = compare(exampleEvaluation, rowOf('student', 'consistency', 1))
    expect(found.map(({ judge }) => judge.name)).toEqual(['own', 'random-conv', 'pixels'])
    const means = found.map(({ ratio }) => ratio.mean)
    expect(means[1]! / means[0]!).toBeCloseTo(1.5, 10)
    expect(found.every(({ ratio }) => ratio.sd! > 0)).toBe(true)
    expect(span(found)).toBe('1.5–2.2 ×')
    expect(span(found.slice(0, 1))).toBe('1.5 ×')
    expect(byJudge(found)[0]).toMatch(/^1\.\d+ ± 0\.\d × by own features\*$/)
  })

  it('say nothing where one of the rows was not measured', () => {
    const other = rowOf('teacher', 'heun', 32)
    const unmeasured = { ...other, judges: { own: other.judges.own! } }
    expect(compare(exampleEvaluation, unmeasured).map(({ judge }) => judge.name)).toEqual(['own'])
    expect(compare(exampleEvaluation, { ...other, judges: {} })).toEqual([])
  })

  it('have names that people know, and a scale for small distances', () => {
    expect(judgesOf(exampleEvaluation).map(({ label, scale, unit }) => [label, scale, unit])).toEqual([
      ['own features', 1, 'FID'],
      ['random-conv', 1, 'FID'],
      ['pixels', 1000, 'FID × 10³'],
    ])
    const brought = { ...judges[0]!, name: 'inception.onnx' }
    expect(judgesOf({ judges: [brought], rows })[0]!.label).toBe('inception.onnx')
  })
})

describe('headlines', () => {
  it('compare student and teacher by every judge, and speed with the cheapest teacher of equal quality', () => {
    const [quick, best, speed, parameters] = headlines(exampleReport)
    expect(quick).toEqual({
      value: '1.5–2.2 ×',
      label: 'the teacher’s distance to the real pictures, in 1 step',
      parts: [
        expect.stringMatching(/^1\.\d+ ± 0\.\d × by own features\*$/),
        expect.stringMatching(/^2\.\d+ ± 0\.\d × by random-conv$/),
        expect.stringMatching(/^1\.\d+ ± 0\.\d × by pixels$/),
        '* took part in choosing the student',
      ],
      detail:
        '1 × would be as good as the teacher at its best, in 32 Heun steps. The teacher skipping to 1 DDIM step: 31 ×.',
    })
    expect(best).toMatchObject({ value: '1.1–1.2 ×', label: 'in 4 steps, the student’s best' })
    expect(speed).toEqual({
      value: '12 ×',
      label: 'faster per picture',
      detail:
        '0.56 ms instead of 6.5 ms; 1 network evaluation instead of 12. Compared with 12 DPM-Solver++ steps, the teacher’s cheapest way to come within 2 % of its best by own features.',
    })
    expect(parameters).toEqual({
      value: '4.21M',
      label: 'parameters in the student',
      detail: 'Teacher: 4.21M.',
    })
  })

  describe('of a short run', () => {
    /** Few settings, of which each judge likes another best; no student is better than all of them. */
    const short: Evaluation = {
      ...exampleEvaluation,
      teacher_sought: false,
      rows: rows
        .filter(({ solver }) => solver !== 'heun')
        .map((row) => {
          if (row.who === 'student' || row.steps === 1) return row
          const times = (name: string, by: number) => {
            const { fid, kid } = row.judges[name]!
            const values = rowOf('student', 'consistency', 1).judges[name]!.fid.values.map((v) => v * by)
            return { fid: { ...fid, values, mean: values.reduce((a, b) => a + b) / values.length }, kid }
          }
          const [own, others] = row.solver === 'ddim' ? [row.steps / 2, 4] : [5, 2]
          const judged = {
            own: times('own', own),
            'random-conv': times('random-conv', others),
            pixels: times('pixels', others),
          }
          return { ...row, fid: judged.own.fid.mean, judges: judged }
        }),
    }

    it('compare with the best of all rows by each judge, and say how few there were', () => {
      const [quick, ...more] = of(short)
      expect(quick).toMatchObject({ value: '0.50–1.0 ×' })
      expect(quick!.detail).toContain(
        '1 × would be as good as the teacher at its best of the 4 settings that there was time for, in 2 DDIM steps by own features, 12 DPM-Solver++ steps by random-conv and pixels.',
      )
      expect(more.find(({ label }) => label === 'faster per picture')!.detail).toMatch(
        /Compared with 2 DDIM steps, the teacher’s cheapest way to come within 2 % of its best by own features of the 4 settings that there was time for\.$/,
      )
    })

    it('say so where the teacher itself is far from real pictures, before anything else', () => {
      const [quick] = of(short)
      expect(quick!.detail).toMatch(
        /^The teacher’s own pictures are still far from real ones: at its best 3\.\d–\d+(\.\d)? × as far as training pictures drawn at random\. 1 × would/,
      )
      const near = {
        ...short,
        floor: { ...short.floor, judges: { own: rowOf('student', 'consistency', 1).judges.own! } },
      }
      expect(of(near)[0]!.detail).toMatch(/^1 × would/)
    })
  })

  it('say no multiple where the judges tell nothing', () => {
    const best = rowOf('teacher', 'heun', 32)
    const blurred = change((row) =>
      row.who === 'teacher' && row.solver === 'ddim' ? { ...row, fid: best.fid, judges: best.judges } : row,
    )
    const [quick, ...more] = of(blurred)
    expect(quick!.value).toBe('?')
    expect(quick!.detail).toMatch(
      /^These distances tell nothing yet: by every judge the teacher’s one step.* too few pictures \([\d,]+ pictures a row, 4 noise seeds\), or the teacher has hardly learned/,
    )
    expect(more.map(({ label }) => label).filter((label) => label.includes('best'))).toEqual([])
    // Nor how much faster it is than a teacher at its best, of which nothing is known.
    expect(JSON.stringify(of(blurred))).not.toMatch(/faster|\d ×/)
  })

  it('have no footnote where no judge took part', () => {
    const fair = { ...exampleEvaluation, judges: judges.map((judge) => ({ ...judge, took_part: false })) }
    expect(of(fair)[0]!.parts).toHaveLength(3)
    expect(JSON.stringify(of(fair))).not.toContain('*')
  })

  it('do with less', () => {
    expect(headlines(minimalReport)).toEqual([])
    expect(
      headlines({ ...minimalReport, runs: exampleReport.runs.slice(0, 1) }).map(
        (h) => `${h.value} ${h.label}`,
      ),
    ).toEqual(['4.21M parameters in the teacher', '2 h 14 min to train'])
    const only = (who: EvaluationRow['who']) =>
      of({ ...exampleEvaluation, rows: rows.filter((row) => row.who === who) })
    expect(only('teacher')).toEqual([
      {
        value: expect.stringMatching(/^FID 9\.84 ± 0\.\d\d$/),
        label: 'in 32 Heun steps',
        detail: 'Distance to the real pictures, by own features; lower is better.',
      },
    ])
    expect(only('student').map(({ value, label }) => `${value} ${label}`)).toEqual([
      expect.stringMatching(/^FID 14\.27 ± 0\.\d\d in 1 step$/),
      expect.stringMatching(/^FID 10\.35 ± 0\.\d\d in 4 steps$/),
    ])
  })

  it('leave out what was not measured', () => {
    const unmeasured = change((row) => ({ ...row, fid: null, judges: {} }))
    expect(of(unmeasured).map(({ label }) => label)).toEqual(['faster per picture'])
    expect(of(change((row) => ({ ...row, seconds_per_image: null }))).map(({ label }) => label)).toEqual([
      'the teacher’s distance to the real pictures, in 1 step',
      'in 4 steps, the student’s best',
    ])
  })

  it('do not call a slower student faster', () => {
    const slow = change((row) => (row.who === 'student' ? { ...row, seconds_per_image: 1 } : row))
    expect(of(slow)).toContainEqual(expect.objectContaining({ value: '154 ×', label: 'slower per picture' }))
  })
})
