/** The page's plots as plain data: built here, checked by tests, drawn in the browser by client.ts. */
import {
  type Estimate,
  type Evaluation,
  type EvaluationRow,
  isNumber,
  sortRows,
} from '../evaluation/index.js'
import { compact, counted, estimate, milliseconds, significant, solverName } from './format.js'
import { floorWords, judgesOf, type ShownJudge } from './judges.js'
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

/** `sd` is drawn as a bar, `label` stands beside the point, `note` in its tooltip. */
export interface Mark extends Point {
  sd?: number
  label?: string
  note?: string
}

const fits = (log: boolean) => (v: number) => Number.isFinite(v) && (!log || v > 0)

/** A value that holds all the way across. */
interface Level {
  name: string
  y: number
  sd?: number
}

/** What a point covers of its axis, its bar included. */
const reach = ({ y, sd = 0 }: { y: number; sd?: number }) => [y, y - sd, y + sd]

/** Puts axes around lines. What an axis cannot show goes; undefined where nothing is left to draw. */
const plot = (
  head: Pick<Plot, 'id' | 'title' | 'text'>,
  x: { label: string; log: boolean; ticks?: number[] },
  y: { label: string; log: boolean },
  lines: Line[],
  level?: Level,
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
  const ys = extent([...all, ...levels].flatMap(reach).filter(fitsY), y.log)
  if (!xs || !ys) return undefined
  const across = levels.map(
    (l): Line => ({
      name: l.name,
      tone: 'quiet',
      dashed: true,
      plain: true,
      level: true,
      points: xs.map((x) => (l.sd === undefined ? { x, y: l.y } : { x, y: l.y, sd: l.sd })),
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

const there = (plots: readonly (Plot | undefined)[]): Plot[] => plots.filter((p) => p !== undefined)

const toneOf = ({ who, solver }: EvaluationRow, taken: ReadonlySet<string>): Line['tone'] => {
  const own = who === 'student' ? 'student' : solver === 'ddim' || solver === 'heun' ? solver : 'other'
  return taken.has(own) ? 'other' : own
}

/** Without the deviation that there is not with one noise seed. */
const scaled = ({ mean, sd }: Estimate, scale: number): { y: number; sd?: number } =>
  isNumber(sd) ? { y: mean * scale, sd: sd * scale } : { y: mean * scale }

/** One line per sampler, over whatever `x` of a row. */
const samplerLines = (
  evaluation: Evaluation,
  { name, unit, scale }: ShownJudge,
  x: (row: EvaluationRow) => number | null,
  labelled: boolean,
): Line[] => {
  const lines = new Map<string, Line>()
  const taken = new Set<string>()
  for (const row of sortRows(evaluation.rows)) {
    const at = x(row)
    const fid = row.judges[name]?.fid
    if (!isNumber(fid?.mean) || !isNumber(at)) continue
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
      ...scaled(fid, scale),
      ...(labelled && { label: String(row.steps) }),
      note: `${unit} ${estimate(fid, { scale })} in ${counted(row.steps, 'step')} (${counted(row.nfe, 'network evaluation')}, ${milliseconds(row.seconds_per_image)})`,
    })
  }
  return [...lines.values()]
}

const levelOf = ({ floor }: Evaluation, { name, scale }: ShownJudge): Level | undefined => {
  const fid = floor.judges[name]?.fid
  return isNumber(fid?.mean) ? { name: floorWords(floor).line, ...scaled(fid, scale) } : undefined
}

/** What one judge says: quality over sampling steps, and over the time of one picture. Both log. */
export interface Judgement {
  judge: ShownJudge
  plots: Plot[]
}

/** Every judge that measured something, the first one first. */
export const qualityPlots = (evaluation: Evaluation): Judgement[] =>
  judgesOf(evaluation)
    .map((judge, i) => ({ judge, plots: there(plotsBy(evaluation, judge, i)) }))
    .filter(({ plots }) => plots.length > 0)

const plotsBy = (evaluation: Evaluation, judge: ShownJudge, i: number): (Plot | undefined)[] => {
  const y = { label: judge.unit, log: true }
  const level = levelOf(evaluation, judge)
  return [
    plot(
      {
        id: `quality-steps-${i}`,
        title: 'Quality against steps',
        text: `By ${judge.label}. Lower is better; left is fewer steps.`,
      },
      {
        label: 'sampling steps',
        log: true,
        ticks: [...new Set(evaluation.rows.map((row) => row.steps))].sort((a, b) => a - b),
      },
      y,
      samplerLines(evaluation, judge, (row) => row.steps, false),
      level,
    ),
    plot(
      {
        id: `quality-time-${i}`,
        title: 'Quality against time',
        text: `By ${judge.label}. Lower is better; left is faster. Beside each point: its steps.`,
      },
      { label: 'milliseconds per picture', log: true },
      y,
      samplerLines(evaluation, judge, (row) => row.seconds_per_image && 1000 * row.seconds_per_image, true),
      level,
    ),
  ]
}

/** A curve of its own for each training: losses of different methods do not compare. */
export const lossPlot = ({ name, points }: LossCurve, i: number): Plot | undefined => {
  const measured = thin(
    points.map(({ images, loss }) => ({ x: images, y: loss })),
    300,
  )
  const curve = smooth(measured, Math.round(measured.length / 30))
  const values = measured.map((point) => point.y)
  const log = Math.min(...values) > 0 && Math.max(...values) > 4 * Math.min(...values)
  const several = measured.length > 1
  return plot(
    {
      id: `loss-${i}`,
      title: `Loss: ${name}`,
      text: several ? 'Smoothed; pale: as measured.' : 'Measured once.',
    },
    { label: 'pictures seen', log: false },
    { label: 'loss', log },
    [
      { name: `${name}, as measured`, tone: 'quiet', plain: true, faint: true, points: measured },
      {
        name,
        tone: /student/i.test(name) ? 'student' : 'heun',
        // A line needs two points: of one there is a mark.
        plain: several,
        points: curve.map((p) => ({ ...p, note: `${significant(p.y)} after ${compact(p.x)} pictures` })),
      },
    ],
  )
}

/** Plots of the training: quality during it, and losses by noise level. */
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
      {
        id: 'checks',
        title: 'Quality on the way',
        text: 'By own features, on noises and pictures of their own: numbers of the table do not compare.',
      },
      { label: 'pictures seen', log: false },
      { label: 'FID', log: true },
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
export const plotsOf = (report: Report): { quality: Judgement[]; training: Plot[] } => ({
  quality: report.evaluation ? qualityPlots(report.evaluation) : [],
  training: there([
    ...report.loss.map(lossPlot),
    ...(report.course ? coursePlots(report.course) : []),
    report.denoising && denoisingPlot(report.denoising),
  ]),
})
