/** A made-up report, for the tests: none of its numbers was measured. */
import {
  type Distances,
  type Evaluation,
  type EvaluationRow,
  estimateOf,
  type Measure,
  type Series,
} from '../evaluation/index.js'
import type { Report } from './types.js'

const SEEDS = [7, 8, 9, 10]
/** By how much each seed is off; together 0. */
const LUCK = [0.08, -0.05, 0.03, -0.06]

/** Four values about a mean; `turn` says which seed has which luck. */
const series = (mean: number, turn = 0): Series => {
  const values = LUCK.map((_, i) => mean * (1 + LUCK[(i + turn) % LUCK.length]!))
  return { ...estimateOf(values), mean }
}

const distances = (fid: number, turn = 0): Distances => ({
  fid: series(fid, turn),
  kid: series(fid / 2000 - 0.008, turn),
})

/** Random networks and pixels see the student farther behind than the features that chose it. */
const strictness = (who: EvaluationRow['who'], steps: number) => (who === 'student' ? 1 + 0.5 / steps : 1)

const row = (
  who: EvaluationRow['who'],
  solver: string,
  steps: number,
  fid: number | null,
  seconds_per_image: number | null,
): EvaluationRow => {
  const strict = strictness(who, steps)
  const turn = who === 'student' ? steps : steps + 2
  const own = fid === null ? undefined : distances(fid, turn)
  const measures: Record<Measure, number | null> = {
    fid,
    kid: own?.kid.mean ?? null,
    precision: fid === null ? null : 1 / (1 + fid / 40),
    recall: fid === null ? null : 1 / (1 + fid / 25),
    seconds_per_image,
    prompt_top1: null,
    prompt_top5: null,
    teacher_distance: fid === null ? null : fid / 300,
    copies: fid === null ? null : 2 / (fid + 5),
    between: fid === null ? null : 0.5 * strict,
    diversity: fid === null ? null : 0.28 / strict,
    edge_energy: fid === null ? null : 1.05 / strict,
    seams: fid === null ? null : 1 + 0.002 * fid * strict,
  }
  const deviation: EvaluationRow['deviation'] = {}
  for (const [key, mean] of Object.entries(measures) as [Measure, number | null][])
    deviation[key] = mean === null || key === 'seconds_per_image' ? null : series(mean).sd
  return {
    who,
    solver,
    steps,
    nfe: solver === 'heun' ? 2 * steps - 1 : steps,
    ...measures,
    deviation,
    judges:
      fid === null
        ? {}
        : {
            own: own!,
            'random-conv': distances(0.03 * fid * strict, turn),
            pixels: distances(0.0003 * fid * strict ** 0.5, turn),
          },
  }
}

const REAL = distances(4.31)

export const exampleEvaluation: Evaluation = {
  model: { path: 'runs/student', sha256: 'c0ffee'.repeat(10), parameters: 4_212_345, kind: 'student' },
  data: { name: 'iconify:fluent-emoji-flat', images: 1583 },
  samples: 1000,
  seed: SEEDS[0]!,
  noise_seeds: SEEDS,
  features: { name: 'own', sha256: 'feed'.repeat(16), dims: 64 },
  judges: [
    {
      name: 'own',
      sha256: 'feed'.repeat(16),
      dims: 64,
      about: 'A small network that was trained on these pictures, to know one again when it is distorted.',
      took_part: true,
    },
    {
      name: 'random-conv',
      sha256: 'beef'.repeat(16),
      dims: 64,
      about: 'A network with random weights: edges, colours and textures, without any training.',
      took_part: false,
    },
    {
      name: 'pixels',
      sha256: 'dead'.repeat(16),
      dims: 64,
      about: 'The 64 directions in which the real pictures differ most, pixel by pixel.',
      took_part: false,
    },
  ],
  floor: {
    kind: 'same-name',
    fid: REAL.fid.mean,
    kid: REAL.kid.mean,
    judges: { own: REAL, 'random-conv': distances(0.09), pixels: distances(0.0016) },
  },
  replay: { mean: -0.0008, sd: 0.0006 },
  real: { seams: { 2: 1.01, 4: 1.02, 8: 0.99 }, diversity: 0.232 },
  rows: [
    row('teacher', 'heun', 8, 21.7, 0.0081),
    row('teacher', 'heun', 32, 9.84, 0.0341),
    row('teacher', 'dpmpp_2m', 12, 9.9, 0.0065),
    row('teacher', 'ddim', 1, 301.2, 0.00057),
    row('teacher', 'ddim', 2, 187.4, 0.00109),
    row('teacher', 'ddim', 4, 88.6, 0.00216),
    row('student', 'consistency', 1, 14.27, 0.00056),
    row('student', 'consistency', 2, 11.9, 0.00112),
    row('student', 'consistency', 4, 10.35, 0.00214),
  ],
  student_is_student: true,
}

const curve = (start: number, end: number) =>
  Array.from({ length: 900 }, (_, i) => ({
    images: 2000 * (i + 1),
    loss: (end + (start - end) / (1 + i / 12)) * (1 + 0.18 * Math.sin(i * 12.9898) * Math.cos(i * 78.233)),
  }))

const sigma = Array.from({ length: 14 }, (_, i) => 0.002 * 40_000 ** (i / 13))

export const exampleReport: Report = {
  title: 'Emoji in one stroke',
  summary:
    'A diffusion teacher of 32 Heun steps, distilled into a student that draws the same picture in one to four.',
  created: '2026-01-31T12:34:56.000Z',
  machine: {
    cpu: 'AMD EPYC 7B13',
    cores: 2,
    memory_gb: 15.6,
    node: '22.12.0',
    onestroke: '0.1.0',
    onnxruntime: '1.30.0',
  },
  data: { name: 'iconify:fluent-emoji-flat', images: 1583, height: 32, width: 32, channels: 3 },
  runs: [
    {
      name: 'teacher',
      parameters: 4_212_345,
      preset: 'small',
      images_seen: 1_800_000,
      seconds: 8040,
      path: 'onestroke-demo/teacher',
      sha256: '0123456789abcdef'.repeat(4),
      options: { seed: 1, lr: 0.0004, ema: [0.999, 0.9999], dropout: 0.1 },
    },
    {
      name: 'student',
      parameters: 4_212_345,
      preset: 'small',
      method: 'consistency-distillation',
      images_seen: 640_000,
      seconds: 3490,
      path: 'onestroke-demo/student',
      sha256: 'c0ffee'.repeat(10),
      options: { seed: 1, q: 2, stages: 8, huber: 0, teacher: 'onestroke-demo/teacher' },
    },
  ],
  evaluation: exampleEvaluation,
  loss: [
    { name: 'teacher', points: curve(0.9, 0.04) },
    { name: 'student', points: curve(0.3, 0.012) },
  ],
  course: {
    limits: [20, 8, 3, 1, 0.3, 0.1, 0.01],
    loss: [1, 2, 3].map((i) => ({
      images: 60_000 * i,
      bands: [0.3, 0.2, 0.15, 0.1, 0.07, null].map((loss) => loss && loss / i),
    })),
    checks: [1, 2, 3, 4].map((i) => ({
      images: 45_000 * i,
      fid: { 1: 40 / i, 2: 25 / i, 4: 20 / i },
      gradient_norm: [0.5, 0.4, 0.3, 0.2, 0.1, null].map((norm) => norm && norm / i),
      teacher_distance: [0.3, 0.2, 0.1, 0.05, 0.03, 0.02].map((far) => far / i),
    })),
  },
  denoising: {
    sigma,
    student: sigma.map((s) => 0.3 * (s / (s + 0.4)) + 0.002 * s ** 0.2),
    teacher: sigma.map((s) => 0.22 * (s / (s + 0.5)) + 0.001),
    identity: sigma,
  },
  sections: [
    {
      title: 'The same noise, five ways',
      text: 'Every grid starts from the same noise, so every picture can be compared with the one in its place.',
      grids: [
        {
          caption: 'Teacher, 32 steps',
          detail: '32 Heun steps, 63 network evaluations, 34 ms per picture',
          png: 'teacher-heun-32.png',
        },
        {
          caption: 'Teacher, 1 step',
          detail: 'DDIM, 1 network evaluation, 0.57 ms per picture',
          png: 'teacher-ddim-1.png',
        },
        {
          caption: 'Teacher, 4 steps',
          detail: 'DDIM, 4 network evaluations, 2.2 ms per picture',
          png: 'teacher-ddim-4.png',
        },
        {
          caption: 'Student, 1 step',
          detail: '1 network evaluation, 0.56 ms per picture',
          highlight: true,
          png: 'student-1.png',
        },
        {
          caption: 'Student, 4 steps',
          detail: '4 network evaluations, 2.1 ms per picture',
          highlight: true,
          png: 'student-4.png',
        },
      ],
    },
    { title: 'Real pictures', grids: [{ caption: 'From the data', png: 'real.png' }] },
  ],
  commands: [
    'npx onestroke train iconify:fluent-emoji-flat --out onestroke-demo/teacher --preset small --images 1800000 --seed 1',
    'npx onestroke distill onestroke-demo/teacher iconify:fluent-emoji-flat --out onestroke-demo/student --seed 1',
  ],
  notes: ['All of these numbers are made up.'],
}

/** The least that a report can be: before anything was evaluated. */
export const minimalReport: Report = {
  title: 'Nothing measured',
  summary: 'A student, and no more.',
  created: '2026-01-31T12:34:56Z',
  machine: { cpu: 'cpu', cores: 1, memory_gb: 1, node: '22', onestroke: '0.1.0', onnxruntime: '1.30.0' },
  data: { name: 'faces', images: 0, height: 28, width: 28, channels: 1 },
  runs: [],
  loss: [],
  sections: [],
  commands: [],
  notes: [],
}
