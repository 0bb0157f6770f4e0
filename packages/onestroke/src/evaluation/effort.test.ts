import { describe, expect, it } from 'vitest'
import {
  costsOf,
  type Effort,
  effortWithin,
  FULL_EFFORT,
  type Measured,
  reportWithin,
  type Speeds,
  totalOf,
} from './effort.js'

/** Two quick cores at 32×32. */
const speeds: Speeds = {
  step: 0.5,
  student: 0.0012,
  teacher: 0.0012,
  feature_step: 0.12,
  feature: 0.0003,
  opening: 0.5,
  products: 1e9,
}
const slower = (factor: number): Speeds => ({
  step: speeds.step * factor,
  student: speeds.student * factor,
  teacher: speeds.teacher * factor,
  feature_step: speeds.feature_step * factor,
  feature: speeds.feature * factor,
  opening: speeds.opening * factor,
  products: speeds.products / factor,
})
const asked: Measured = {
  count: 50_000,
  size: 3072,
  checks: 8,
  tune: true,
  report: true,
  taught: true,
  shares: true,
}
const MINUTES = [1, 2, 3, 5, 8, 12, 20, 40, 90, 240]

describe('how much is measured', () => {
  it('leaves most of the time to the training, and grows with the time', () => {
    for (const machine of [speeds, slower(4)]) {
      let before = 0
      for (const minutes of MINUTES) {
        const effort = effortWithin(60 * minutes, machine, asked)
        const cost = totalOf(costsOf(effort, machine, asked))
        if (effort.report_samples > 256) expect(cost).toBeLessThanOrEqual(0.4 * 60 * minutes)
        expect(cost).toBeGreaterThanOrEqual(before)
        before = cost
      }
    }
    expect(effortWithin(4 * 3600, speeds, asked)).toEqual(FULL_EFFORT)
  })

  it('is the least on a machine that has time for nothing', () => {
    const least = effortWithin(60, slower(50), asked)
    expect(least).toMatchObject({
      feature_steps: 0,
      checks: 0,
      search_pictures: 0,
      report_samples: 256,
      report_seeds: 1,
      report_denoising: 0,
    })
    expect(costsOf(least, speeds, asked)).toMatchObject({ features: 0, checks: 0, search: 0 })
  })

  it('costs nothing that is not asked for, and nothing for a feature network that is there', () => {
    const nothing = { ...asked, checks: 0, tune: false, report: false }
    expect(totalOf(costsOf(FULL_EFFORT, { ...speeds, feature_step: 0 }, nothing))).toBe(0)
    const { features, ...others } = costsOf(FULL_EFFORT, speeds, asked)
    expect(features).toBeCloseTo(800 * 0.12, 6)
    expect(costsOf(FULL_EFFORT, { ...speeds, feature_step: 0 }, asked)).toEqual({ ...others, features: 0 })
  })

  it('counts what checks and the search ask of the network', () => {
    const alone = { ...speeds, feature: 0, opening: 0, step: 0, teacher: 0, student: 1 }
    const { checks, search } = costsOf(FULL_EFFORT, alone, { ...asked, checks: 1, taught: false })
    // 512 pictures from each of two noises, with five runs for 1, 2 and 4 steps; 76 runs for 2048 pictures.
    expect(checks).toBeCloseTo(2 * 512 * 5, 0)
    expect(search / 2048).toBeCloseTo(76, 1)
    const small = { ...asked, count: 922, checks: 1, taught: false }
    expect(costsOf(FULL_EFFORT, alone, small).search / 922).toBeCloseTo(76, 1)
  })

  it('counts what a report asks of the networks', () => {
    const alone = {
      ...speeds,
      feature: 0,
      opening: 0,
      student: 1,
      teacher: 1,
      products: Number.POSITIVE_INFINITY,
    }
    const effort = { ...FULL_EFFORT, report_seeds: 2, report_settings: 1, report_denoising: 0 } as const
    const grids = 32 * 26
    // 512 pictures from each of two noises: 1, 2 and 4 steps of student and teacher, and 12 of the teacher.
    const rows = 2 * 512 * (7 + 7 + 12)
    const report = (part: Partial<Effort>, more: Partial<Measured> = {}) =>
      costsOf({ ...effort, report_samples: 512, ...part }, alone, { ...asked, ...more }).report / 1.3
    expect(report({ report_path: 0 })).toBeCloseTo(rows + grids, 6)
    // The teacher’s path is painted in whole batches of 64 for each seed, in 64 steps of Heun’s method.
    expect(report({ report_path: 64 })).toBeCloseTo(rows + grids + 2 * 64 * 127, 6)
    // Who asks for more pictures gets them.
    expect(report({ report_path: 0 }, { samples: 1024 })).toBeCloseTo(2 * rows + grids, 6)
  })

  it('trains no shorter feature network where the whole one is there', () => {
    const short = [2, 3, 4, 5, 6].map((minutes) => effortWithin(60 * minutes, speeds, asked).feature_steps)
    expect(short.some((steps) => steps > 0 && steps < 800)).toBe(true)
    for (const minutes of MINUTES)
      expect([0, 800]).toContain(
        effortWithin(60 * minutes, { ...speeds, feature_step: 0 }, asked).feature_steps,
      )
  })

  it('of a report alone fits its time, and has the judges that were decided on', () => {
    for (const feature_steps of [0, 800]) {
      let before: Effort | undefined
      for (const seconds of [60, 120, 300, 900]) {
        const effort = reportWithin(seconds, { feature_steps }, speeds, asked)
        expect(effort.feature_steps).toBe(feature_steps)
        expect(costsOf(effort, speeds, asked).report).toBeLessThanOrEqual(seconds)
        expect(effort.report_samples).toBeGreaterThanOrEqual(before?.report_samples ?? 0)
        before = effort
      }
    }
  })
})
