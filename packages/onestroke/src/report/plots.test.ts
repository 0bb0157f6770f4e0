import { describe, expect, it } from 'vitest'
import type { Evaluation } from '../evaluation/index.js'
import { denoisingPlot, lossPlot, plotsOf, qualityPlots } from './plots.js'
import { extent, pick, smooth, thin, ticks } from './series.js'
import { exampleEvaluation, exampleReport, minimalReport } from './testing.js'

describe('plots', () => {
  it('are there for what was measured', () => {
    const { quality, training } = plotsOf(exampleReport)
    expect(quality.map(({ judge, plots }) => [judge.name, ...plots.map((p) => p.id)])).toEqual([
      ['own', 'quality-steps-0', 'quality-time-0'],
      ['random-conv', 'quality-steps-1', 'quality-time-1'],
      ['pixels', 'quality-steps-2', 'quality-time-2'],
    ])
    expect(training.map((p) => p.id)).toEqual([
      'loss-0',
      'loss-1',
      'checks',
      'band-loss',
      'band-distance',
      'band-gradient',
      'denoising',
    ])
    expect(plotsOf(minimalReport)).toEqual({ quality: [], training: [] })
  })

  const byOwn = () => qualityPlots(exampleEvaluation)[0]!.plots

  it('draw one line per sampler, and the floor across', () => {
    const [steps, time] = byOwn()
    expect(steps!.lines.map((line) => line.name)).toEqual([
      'Student',
      'Teacher, DDIM',
      'Teacher, DPM-Solver++',
      'Teacher, Heun',
      'Training pictures, same name',
    ])
    expect(steps!.lines[0]!.points.map((p) => [p.x, p.y])).toEqual([
      [1, 14.27],
      [2, 11.9],
      [4, 10.35],
    ])
    expect(steps!.x.ticks).toEqual([1, 2, 4, 8, 12, 32])
    const { sd } = exampleEvaluation.floor.judges.own!.fid
    const floor = steps!.lines.at(-1)!
    expect(floor.points).toEqual([
      { x: steps!.x.min, y: 4.31, sd },
      { x: steps!.x.max, y: 4.31, sd },
    ])
    expect(
      time!.lines.find((line) => line.name === 'Teacher, Heun')!.points.map((p) => [p.x, p.label]),
    ).toEqual([
      [8.1, '8'],
      [34.1, '32'],
    ])
    expect(time!.lines[0]!.points[0]!.note).toMatch(
      /^FID 14\.27 ± 0\.\d\d in 1 step \(1 network evaluation, 0\.56 ms\)$/,
    )
  })

  it('mark a loss that was measured once, because a line needs two points', () => {
    const plainOf = (points: { images: number; loss: number }[]) =>
      lossPlot({ name: 'student', points }, 0)!.lines.at(-1)!.plain
    const [first, second] = [
      { images: 640, loss: 0.1 },
      { images: 1280, loss: 0.08 },
    ]
    expect([plainOf([first]), plainOf([first, second])]).toEqual([false, true])
  })

  it('name the floor for what it is', () => {
    const named = (kind: Evaluation['floor']['kind']) => {
      const [first] = qualityPlots({ ...exampleEvaluation, floor: { ...exampleEvaluation.floor, kind } })
      return first!.plots[0]!.lines.at(-1)!.name
    }
    expect([named('test'), named('resample')]).toEqual([
      'Training against test pictures',
      'Training pictures, at random',
    ])
  })

  it('hold the bars of a deviation within the axis, and have none with one seed', () => {
    const wide = (sd: number | null) =>
      qualityPlots({
        ...exampleEvaluation,
        floor: { ...exampleEvaluation.floor, judges: {} },
        rows: exampleEvaluation.rows.map((row) => ({
          ...row,
          judges: { own: { ...row.judges.own!, fid: { ...row.judges.own!.fid, sd } } },
        })),
      })[0]!.plots[0]!
    const [top, one] = [wide(400), wide(null)]
    expect(top.y.max).toBeGreaterThan(301.2 + 400)
    expect(top.y.min).toBeGreaterThan(0)
    expect(wide(5).y.min).toBeLessThan(9.84 - 5)
    expect(top.lines[0]!.points[0]!.sd).toBe(400)
    expect(one.lines[0]!.points[0]).not.toHaveProperty('sd')
  })

  it('show small distances times 1000', () => {
    const [steps] = qualityPlots(exampleEvaluation)[2]!.plots
    const { mean, sd } = exampleEvaluation.rows.find((row) => row.who === 'student')!.judges.pixels!.fid
    expect(steps!.y.label).toBe('FID × 10³')
    expect(steps!.lines[0]!.points[0]).toMatchObject({ y: 1000 * mean, sd: 1000 * sd! })
  })

  it('leave out what an axis cannot show', () => {
    const rows = exampleEvaluation.rows.map((row) => ({ ...row, fid: null, judges: {} }))
    const floor = { ...exampleEvaluation.floor, judges: {} }
    expect(qualityPlots({ ...exampleEvaluation, rows })).toEqual([])
    expect(qualityPlots({ ...exampleEvaluation, rows, floor })).toEqual([])
    const untimed = exampleEvaluation.rows.map((row) => ({ ...row, seconds_per_image: null }))
    const [own] = qualityPlots({ ...exampleEvaluation, rows: untimed })
    expect(own!.plots.map((p) => p.id)).toEqual(['quality-steps-0'])
    expect(lossPlot({ name: 'x', points: [] }, 0)).toBeUndefined()
    expect(lossPlot({ name: 'x', points: [{ images: 1, loss: Number.NaN }] }, 0)).toBeUndefined()
    const plot = denoisingPlot({ sigma: [0, 1, 2], student: [1, 2, 3], teacher: [1, 0, 3], identity: [] })!
    expect(plot.lines.map((line) => line.points.map((p) => p.x))).toEqual([[1, 2], [2]])
  })

  it('use a logarithmic loss only where it helps', () => {
    const over = (losses: number[]) =>
      lossPlot({ name: 'x', points: losses.map((loss, images) => ({ images, loss })) }, 0)!.y.log
    expect(over([1, 0.1])).toBe(true)
    expect(over([1, 0.5])).toBe(false)
    expect(over([1, 0.1, -0.1])).toBe(false)
  })
})

describe('series', () => {
  const line = (n: number) => Array.from({ length: n }, (_, i) => ({ x: i, y: 2 * i }))

  it('thins to means', () => {
    expect(thin(line(3), 5)).toEqual(line(3))
    expect(thin(line(4), 2)).toEqual([
      { x: 0.5, y: 1 },
      { x: 2.5, y: 5 },
    ])
    expect(
      thin(
        [
          { x: 0, y: Number.NaN },
          { x: 1, y: 1 },
        ],
        5,
      ),
    ).toEqual([{ x: 1, y: 1 }])
    expect(thin(line(1001), 300)).toHaveLength(300)
  })

  it('smooths without lagging behind', () => {
    for (const reach of [0, 1, 3])
      expect(smooth(line(20), reach).slice(0, -reach || 20)).toEqual(line(20).slice(0, -reach || 20))
    const peak = smooth(
      [0, 0, 3, 0, 0].map((y, x) => ({ x, y })),
      1,
    )
    expect(peak.map((p) => p.y)).toEqual([0, 1, 1, 1, 0])
  })

  it('picks both ends', () => {
    expect(pick([1, 2, 3], 12)).toEqual([1, 2, 3])
    const few = pick(line(100), 12)
    expect([few.length, few[0]!.x, few.at(-1)!.x]).toEqual([12, 0, 99])
  })

  it('finds round ticks', () => {
    expect(ticks(0, 10, false)).toEqual([0, 2, 4, 6, 8, 10])
    expect(ticks(0.03, 0.31, false)).toEqual([0.1, 0.2, 0.3])
    expect(ticks(9, 14, true)).toEqual([9, 10, 11, 12, 13, 14])
    expect(ticks(4, 330, true)).toEqual([5, 10, 20, 50, 100, 200])
    expect(ticks(0.002, 80, true)).toEqual([0.01, 0.1, 1, 10])
    expect(ticks(5, 5, true)).toEqual([5])
  })

  it('leaves air around the values', () => {
    expect(extent([], true)).toBeUndefined()
    for (const log of [true, false]) {
      const [low, high] = extent([3, 3], log)!
      expect(low).toBeLessThan(3)
      expect(high).toBeGreaterThan(3)
    }
    expect(extent([0, 1], false)![0]).toBe(0)
  })
})
