/** The page's plots as plain data: built here, checked by tests, drawn in the browser by client.ts. */
import { type Evaluation, type EvaluationRow, isNumber, sortRows } from './evaluation.js'
import { compact, counted, milliseconds, score, significant, solverName } from './format.js'
import { extent, type Point, pick, smooth, thin, ticks } from './series.js'
import type { Course, LossCurve, Report } from './types.js'

export interface Plot {
  id: string
  title: string
  /** What it shows and how to read it. */
  text: string
  x: Axis
  y: Axis
  lines: Line[]
}

export interface Axis {
  label: string
  log: boolean
  min: number
  max: number
  ticks: number[]
}

/** `tone` names a colour of style.ts, and in client.ts the shape of the marks. */
export interface Line {
  name: string
  tone: 'student' | 'ddim' | 'heun' | 'other' | 'quiet'
  dashed?: boolean
  /** Without marks: a curve of many points, or a level. */
  plain?: boolean
  /** The same value all the way across. */
  level?: boolean
  /** The raw measurements behind a smoothed curve: pale, and not in the legend. */
  faint?: boolean
  points: Mark[]
}

/** `label` stands beside the point, `note` in its tooltip. */
export interface Mark extends Point {
  label?: string
  note?: string
}

const fits = (log: boolean) => (v: number) => Number.isFinite(v) && (!log || v > 0)

/** Puts axes around lines. What an axis cannot show goes; undefined where nothing is left to draw. */
const plot = (
  head: Pick<Plot, 'id' | 'title' | 'text'>,
  x: { label: string; log: boolean; ticks?: number[] },
  y: { label: string; log: boolean },
  lines: Line[],
  level?: { name: string; y: number },
): Plot | undefined => {
  const [fitsX, fitsY] = [fits(x.log), fits(y.log)]
  const drawn = lines
    .map((line) => ({ ...line, points: line.points.filter((p) => fitsX(p.x) && fitsY(p.y)) }))
    .filter((line) => line.points.length > 0)
  const all = drawn.flatMap((line) => line.points)
  const levels = level && fitsY(level.y) ? [level] : []
  const xs = extent(
    all.map((p) => p.x),
    x.log,
  )
  const ys = extent(
    [...all, ...levels].map((p) => p.y),
    y.log,
  )
  if (!xs || !ys) return undefined
  const across = levels.map(
    (l): Line => ({
      name: l.name,
      tone: 'quiet',
      dashed: true,
      plain: true,
      level: true,
      points: xs.map((v) => ({ x: v, y: l.y })),
    }),
  )
  const axis = (
    a: { label: string; log: boolean; ticks?: number[] },
    [min, max]: [number, number],
  ): Axis => ({
    label: a.label,
    log: a.log,
    min,
    max,
    ticks: a.ticks ?? ticks(min, max, a.log),
  })
  return { ...head, x: axis(x, xs), y: axis(y, ys), lines: [...drawn, ...across] }
}

const toneOf = ({ who, solver }: EvaluationRow, taken: ReadonlySet<string>): Line['tone'] => {
  const own = who === 'student' ? 'student' : solver === 'ddim' || solver === 'heun' ? solver : 'other'
  return taken.has(own) ? 'other' : own
}

/** One line per sampler, over whatever `x` of a row. */
const samplerLines = (
  evaluation: Evaluation,
  x: (row: EvaluationRow) => number | null,
  labelled: boolean,
): Line[] => {
  const lines = new Map<string, Line>()
  const taken = new Set<string>()
  for (const row of sortRows(evaluation.rows)) {
    const at = x(row)
    if (!isNumber(row.fid) || !isNumber(at)) continue
    const key = `${row.who} ${row.solver}`
    const line = lines.get(key) ?? {
      name:
        row.who === 'student'
          ? taken.has('student')
            ? `Student, ${row.solver}`
            : 'Student'
          : `Teacher, ${solverName(row.solver)}`,
      tone: toneOf(row, taken),
      points: [],
      ...(row.who === 'teacher' && { dashed: row.solver === 'ddim' }),
    }
    taken.add(line.tone)
    lines.set(key, line)
    line.points.push({
      x: at,
      y: row.fid,
      ...(labelled && { label: String(row.steps) }),
      note: `FID ${score(row.fid)} in ${counted(row.steps, 'step')} (${counted(row.nfe, 'network evaluation')}, ${milliseconds(row.seconds_per_image)})`,
    })
  }
  return [...lines.values()]
}

const level = ({ floor }: Evaluation) =>
  isNumber(floor.fid) ? { name: 'Real against real', y: floor.fid } : undefined

const y = { label: 'FID', log: true }

/** Both log: quality over sampling steps, and over the time of one picture. */
export const qualityPlots = (evaluation: Evaluation): (Plot | undefined)[] => [
  plot(
    { id: 'quality-steps', title: 'Quality against steps', text: 'Lower is better. Left is fewer steps.' },
    {
      label: 'sampling steps',
      log: true,
      ticks: [...new Set(evaluation.rows.map((row) => row.steps))].sort((a, b) => a - b),
    },
    y,
    samplerLines(evaluation, (row) => row.steps, false),
    level(evaluation),
  ),
  plot(
    {
      id: 'quality-time',
      title: 'Quality against time',
      text: 'Lower is better. Left is faster. Beside each point: its steps.',
    },
    { label: 'milliseconds per picture', log: true },
    y,
    samplerLines(evaluation, (row) => row.seconds_per_image && 1000 * row.seconds_per_image, true),
    level(evaluation),
  ),
]

/** A curve of its own for each training: losses of different methods do not compare. */
export const lossPlot = ({ name, points }: LossCurve, i: number): Plot | undefined => {
  const measured = thin(
    points.map(({ images, loss }) => ({ x: images, y: loss })),
    300,
  )
  const curve = smooth(measured, Math.round(measured.length / 30))
  const values = measured.map((point) => point.y)
  const log = Math.min(...values) > 0 && Math.max(...values) > 4 * Math.min(...values)
  return plot(
    { id: `loss-${i}`, title: `Loss: ${name}`, text: 'Smoothed; pale: as measured.' },
    { label: 'pictures seen', log: false },
    { label: 'loss', log },
    [
      { name: `${name}, as measured`, tone: 'quiet', plain: true, faint: true, points: measured },
      {
        name,
        tone: /student/i.test(name) ? 'student' : 'heun',
        plain: true,
        points: curve.map((p) => ({ ...p, note: `${significant(p.y)} after ${compact(p.x)} pictures` })),
      },
    ],
  )
}

/** Quality on the way, and what went on at which noise levels. */
export const coursePlots = ({ limits, loss, checks }: Course): (Plot | undefined)[] => {
  const tones = ['ddim', 'heun', 'student'] as const
  const steps = Object.keys(checks[0]?.fid ?? {})
  /** One line for each of some moments, the last in the student's colour, over the bands' middles. */
  const byBand = (
    head: Pick<Plot, 'id' | 'title' | 'text'>,
    label: string,
    moments: { images: number; bands: (number | null)[] }[],
  ) =>
    plot(
      head,
      { label: 'noise level σ', log: true },
      { label, log: true },
      moments.map(({ images, bands }, i) => ({
        name: `after ${compact(images)} pictures`,
        tone: tones[i + tones.length - moments.length] ?? 'other',
        points: bands.map((value, band) => ({
          x: Math.sqrt(limits[band]! * limits[band + 1]!),
          y: value ?? Number.NaN,
        })),
      })),
    )
  const ends = pick(checks, 3)
  return [
    plot(
      { id: 'checks', title: 'Quality on the way', text: 'On fixed noises, apart from those of the table.' },
      { label: 'pictures seen', log: false },
      y,
      steps.map((k, i) => ({
        name: counted(Number(k), 'step'),
        tone: (['student', 'ddim', 'heun'] as const)[i] ?? 'other',
        points: checks.map(({ images, fid }) => ({ x: images, y: fid[k] ?? Number.NaN })),
      })),
    ),
    byBand(
      { id: 'band-loss', title: 'Loss by noise level', text: 'Where there is most left to learn.' },
      'loss',
      loss,
    ),
    byBand(
      {
        id: 'band-distance',
        title: 'Distance to the teacher’s end',
        text: 'From a point of the teacher’s path to its end in one step: how far the student is off.',
      },
      'distance',
      ends.map(({ images, teacher_distance: bands }) => ({ images, bands })),
    ),
    byBand(
      { id: 'band-gradient', title: 'Gradient by noise level', text: 'Which levels pull at the weights.' },
      'norm',
      ends.map(({ images, gradient_norm: bands }) => ({ images, bands })),
    ),
  ]
}

export const denoisingPlot = ({ sigma, student, teacher, identity }: NonNullable<Report['denoising']>) => {
  const over = (errors: number[]) =>
    sigma.map((x, i) => ({
      x,
      y: errors[i] ?? Number.NaN,
      note: `error ${significant(errors[i])} at σ = ${significant(x)}`,
    }))
  return plot(
    {
      id: 'denoising',
      title: 'Denoising error',
      text: 'One look at a noisy picture, at every noise level. The student answers with an end of the teacher’s path, the teacher with an average: their errors part where there is much noise.',
    },
    { label: 'noise level σ', log: true },
    { label: 'error', log: true },
    [
      { name: 'Student', tone: 'student', points: over(student) },
      { name: 'Teacher', tone: 'heun', points: over(teacher) },
      { name: 'The noisy picture itself', tone: 'quiet', dashed: true, plain: true, points: over(identity) },
    ],
  )
}

/** Every plot for which a report has numbers, by the part of the page it stands in. */
export const plotsOf = (report: Report): { quality: Plot[]; training: Plot[] } => {
  const there = (plots: (Plot | undefined)[]) => plots.filter((p) => p !== undefined)
  return {
    quality: there(report.evaluation ? qualityPlots(report.evaluation) : []),
    training: there([
      ...report.loss.map(lossPlot),
      ...(report.course ? coursePlots(report.course) : []),
      report.denoising && denoisingPlot(report.denoising),
    ]),
  }
}
