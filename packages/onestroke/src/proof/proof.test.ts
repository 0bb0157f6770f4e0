import type { ModelConfig } from '@onestroke/core/formats'
import { describe, expect, it } from 'vitest'
import type { Evaluation } from '../evaluation/index.js'
import { exampleEvaluation } from '../report/testing.js'
import { summaryOf } from './proof.js'

const config = {
  provenance: { seconds: 1234, images_seen: 640_000 },
} as Pick<ModelConfig, 'provenance'>
const dataset = { count: 1583, height: 32, width: 32 }
const summary = (evaluation: Evaluation) => summaryOf(evaluation, config, dataset)
const { rows } = exampleEvaluation

describe('the summary of a report', () => {
  it('says how far behind the student is by every judge, and how fast against the cheapest equal teacher', () => {
    expect(summary(exampleEvaluation)).toBe(
      '1,583 pictures at 32×32; the student was distilled in 21 min from 640,000 images. In 1 step it is 1.5–2.2 × as far from the real pictures as the teacher at its best (FID, by 3 judges). A picture is 12 times faster than with 12 DPM-Solver++ steps, the teacher’s cheapest way to come within 2 % of its best by own features.',
    )
  })

  it('says how few settings of the teacher were tried, and that the teacher is poor', () => {
    const { own } = exampleEvaluation.floor.judges
    const floor = { ...exampleEvaluation.floor, judges: { own: own! } }
    const few = summary({ ...exampleEvaluation, teacher_sought: false, floor })
    expect(few).toContain(
      'as the teacher at its best of the 6 settings that there was time for (FID, by 3 judges)',
    )
    expect(few).toContain('within 2 % of its best by own features of the 6 settings that there was time for')
    expect(few).toContain('The teacher’s own pictures are still far from real ones: at its best')
    expect(summary(exampleEvaluation)).not.toContain('still far')
  })

  it('does not call a slower student faster', () => {
    const slow = rows.map((row) => (row.who === 'student' ? { ...row, seconds_per_image: 0.026 } : row))
    expect(summary({ ...exampleEvaluation, rows: slow })).toContain('A picture is 4.0 times slower than')
  })

  it('claims nothing that was not measured', () => {
    const short = /^1,583 pictures at 32×32; the student was distilled in 21 min from 640,000 images\.$/
    const bare = rows.map((row) => ({ ...row, fid: null, seconds_per_image: null, judges: {} }))
    expect(summary({ ...exampleEvaluation, rows: bare })).toMatch(short)
    expect(summary({ ...exampleEvaluation, rows: rows.filter(({ who }) => who === 'student') })).toMatch(
      short,
    )
  })
})
