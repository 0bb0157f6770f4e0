/** How much of a student is measured, and what that costs, so that a run of so many minutes ends in time. */
import { SOLVERS } from '@onestroke/core/diffusion'
import { BANDS } from '../training/index.js'
import { CHECK_PICTURES, CHECK_SEEDS, STEPS_PER_BAND } from './checker.js'
import {
  CHOOSING_SAMPLES,
  NOISE_SEEDS,
  PATH_SAMPLES,
  PATH_STEPS,
  TEACHER_SETTINGS,
  type TeacherSetting,
} from './evaluate.js'
import { FEATURE_STEPS } from './feature-network.js'
import { BATCH } from './judge.js'
import { LEAST_SAMPLES, MOST_PRODUCTS } from './likeness.js'
import { COMPONENTS, FITTED } from './pixel-features.js'
import { samplesToChoose } from './prompts.js'
import { CANDIDATES, FINALISTS, MOST_STEPS, SEARCH_SEEDS } from './search-sigmas.js'

/** Plain numbers, which a run's state keeps. 0 leaves that part out. */
export interface Effort {
  /** Steps of training the feature network. Without one there are no checks and no search, and two judges in the report. */
  readonly feature_steps: number
  /** Checks of the student on the way, at most. */
  readonly checks: number
  /** Pictures of a check for each of its noise seeds. */
  readonly check_pictures: number
  /** Whether a check compares with the teacher's path. */
  readonly check_path: 0 | 1
  /** Pictures by which noise levels are searched, at most. */
  readonly search_pictures: number
  readonly search_candidates: number
  readonly search_finalists: number
  /** Pictures of the report for each row and noise seed, at most. */
  readonly report_samples: number
  readonly report_seeds: number
  /** Real pictures with which it compares, at most. */
  readonly report_real: number
  /** Many-step settings of the teacher that are tried: all, or one. */
  readonly report_settings: number
  readonly report_path: number
  /** Whether it shows the denoising error. */
  readonly report_denoising: 0 | 1
}

/** The full effort, for runs whose time is not limited. */
export const FULL_EFFORT: Effort = {
  feature_steps: FEATURE_STEPS,
  checks: Number.MAX_SAFE_INTEGER,
  check_pictures: CHECK_PICTURES,
  check_path: 1,
  search_pictures: 2048,
  search_candidates: CANDIDATES,
  search_finalists: FINALISTS,
  report_samples: 1024,
  report_seeds: NOISE_SEEDS,
  report_real: 4096,
  report_settings: TEACHER_SETTINGS.length,
  report_path: PATH_SAMPLES,
  report_denoising: 1,
}

/**
 * From the greatest effort to the least. Noise seeds go before pictures: a seed less makes a distance vary by a few percent, and half
 * of the pictures can make it chance above all.
 */
const EFFORTS: readonly Effort[] = [
  FULL_EFFORT,
  {
    ...FULL_EFFORT,
    search_pictures: 1024,
    report_seeds: 2,
  },
  {
    ...FULL_EFFORT,
    checks: 4,
    search_pictures: 512,
    report_seeds: 1,
    report_real: 2048,
    report_path: BATCH * 2,
  },
  {
    ...FULL_EFFORT,
    feature_steps: 400,
    checks: 4,
    check_pictures: 256,
    search_pictures: 512,
    search_candidates: 4,
    search_finalists: 1,
    report_samples: 512,
    report_seeds: 1,
    report_real: 1024,
    report_settings: 1,
    report_path: BATCH,
  },
  {
    ...FULL_EFFORT,
    feature_steps: 200,
    checks: 2,
    check_pictures: 256,
    check_path: 0,
    search_pictures: 0,
    report_samples: 512,
    report_seeds: 1,
    report_real: 1024,
    report_settings: 1,
    report_path: 0,
  },
  ...[
    [512, 1024],
    [256, 512],
  ].map(
    ([samples, real]): Effort => ({
      ...FULL_EFFORT,
      feature_steps: 0,
      checks: 0,
      search_pictures: 0,
      report_samples: samples!,
      report_seeds: 1,
      report_real: real!,
      report_settings: 1,
      report_path: 0,
      report_denoising: 0,
    }),
  ),
]

/** The many-step settings of the teacher that a report tries. */
export const settingsFor = ({
  report_settings,
}: Pick<Effort, 'report_settings'>): readonly TeacherSetting[] =>
  report_settings >= TEACHER_SETTINGS.length ? TEACHER_SETTINGS : [{ solver: 'dpmpp_2m', steps: 12 }]

/** Seconds that parts take on this machine, measured. */
export interface Speeds {
  /** A step of the training. */
  readonly step: number
  /** A picture through the student's network once, in batches of 64. */
  readonly student: number
  /** The same for the teacher, guided as the student learns it. */
  readonly teacher: number
  /** A step of training the feature network; 0 if it is there already. */
  readonly feature_step: number
  /** A picture through a feature network. */
  readonly feature: number
  /** Compiling the networks of student and teacher. */
  readonly opening: number
  /** Products of two numbers a second, in the metrics. */
  readonly products: number
}

/** What a run asks for, independent of its time. */
export interface Measured {
  /** Pictures of the dataset, and numbers that each of them is made of. */
  readonly count: number
  readonly size: number
  readonly checks: number
  readonly tune: boolean
  readonly report: boolean
  /** Whether there is a teacher. */
  readonly taught: boolean
  /** Whether the student's steps start from fresh noise, so that common first steps are done once. */
  readonly shares: boolean
  /** Pictures of the report for each row and noise seed, if a person chose the number. */
  readonly samples?: number
}

/** Seconds of every part but the training. */
export interface Costs {
  readonly features: number
  readonly checks: number
  readonly search: number
  readonly report: number
}

/** Seconds of one Fréchet distance. */
const FRECHET = 0.03
/** Step counts by which a run's report measures student and teacher. */
export const REPORT_STEPS: readonly number[] = [1, 2, 4]
/** Pictures of a grid in the report. */
export const GRID_PICTURES = 32
/** Runs of a network for all grids, for each of their pictures. */
const GRID_RUNS = 26
/** Pictures by which the denoising error is measured, and noise levels at which it is. */
export const DENOISING_PICTURES = 64
export const DENOISING_LEVELS = 12
/** Runs of a network in the many-step rows that are measured: of the best setting and the cheapest that is as good, or of one. */
const [BEST_RUNS, ONE_RUNS] = [28, 12]
/** Safety factor of a report's estimated time: it is the last part, so no later part can make up for a delay. */
const CAUTION = 1.3

/** What an effort costs. */
export const costsOf = (effort: Effort, speeds: Speeds, asked: Measured): Costs => {
  const judged = effort.feature_steps > 0
  return {
    features: judged ? effort.feature_steps * speeds.feature_step : 0,
    checks: judged ? checksCost(effort, speeds, asked) : 0,
    search: judged && asked.tune ? searchCost(effort, speeds, asked) : 0,
    report: asked.report ? reportCost(effort, speeds, asked) : 0,
  }
}

const checksCost = (
  effort: Effort,
  { step, student, teacher, feature, opening }: Speeds,
  asked: Measured,
): number => {
  const checks = Math.min(effort.checks, asked.checks)
  if (checks === 0) return 0
  const pictures = CHECK_SEEDS.length * effort.check_pictures
  const path = asked.taught ? effort.check_path * BATCH : 0
  const each =
    pictures * ((asked.shares ? 5 : 7) * student + 3 * feature) +
    CHECK_SEEDS.length * 3 * FRECHET +
    BANDS * (path * student + step)
  // Each check compiles the network anew, because the weights have changed.
  return pictures * feature + path * (2 * BANDS * STEPS_PER_BAND + 1) * teacher + checks * (each + opening)
}

const searchCost = (effort: Effort, { student, feature }: Speeds, asked: Measured): number => {
  const { search_candidates: candidates, search_finalists: finalists } = effort
  const pictures = searchPictures(effort, asked.count)
  const deciding = SEARCH_SEEDS.length - 1
  const tried = (MOST_STEPS - 1) * (candidates + deciding * (finalists + 1))
  // See `searchSigmas`: 28 runs for six candidates, and 16 for each seed that decides between three.
  const runs = (asked.shares ? 1 : 1.6) * (1 + 4.5 * candidates + (deciding * 16 * (finalists + 1)) / 3)
  return pictures * (runs * student + (tried + 1) * feature) + (pictures > 0 ? tried * FRECHET : 0)
}

const reportCost = (
  effort: Effort,
  { student, teacher, feature, opening, products }: Speeds,
  asked: Measured,
): number => {
  const { count, size } = asked
  const samples = reportSamples(effort, asked)
  const seeds = effort.report_seeds
  const real = Math.min(effort.report_real, count)
  const all = settingsFor(effort).length > 1
  const runs = REPORT_STEPS.reduce((sum, steps) => sum + steps, 0)
  // The steps of the student, those of the teacher, and the teacher's many-step settings.
  const rows = 2 * REPORT_STEPS.length + (all ? 2 : 1)
  const judges = effort.feature_steps > 0 ? 2 : 1
  const choosing = all ? Math.min(samples, CHOOSING_SAMPLES) * CHOOSING_RUNS : 0
  // Whole batches are painted, for each seed a share of the path's pictures.
  const batches = Math.ceil(effort.report_path / NOISE_SEEDS / BATCH)
  const path = seeds * batches * BATCH * (2 * PATH_STEPS - 1)
  const painted = seeds * samples
  // Distances to all real pictures, by three judges; principal components; and copies, which are looked for in pixels.
  const fitted = Math.min(FITTED, real)
  const multiplied =
    rows * painted * real * COMPONENTS * 8 +
    2 * Math.min(fitted, size) ** 2 * Math.max(fitted, size) +
    rows * seeds * Math.min(samples * real * size, Math.max(LEAST_SAMPLES * real * size, MOST_PRODUCTS))
  const seconds =
    painted * (runs * student + (runs + (all ? BEST_RUNS : ONE_RUNS)) * teacher) +
    (choosing + path) * teacher +
    ((rows * painted + real) * judges + fitted) * feature +
    multiplied / products +
    opening +
    gridsCost(effort, { teacher, opening })
  return CAUTION * seconds
}

/** Seconds of a report after its rows are measured: grids of pictures, and the denoising error. */
export const gridsCost = (
  { report_denoising }: Pick<Effort, 'report_denoising'>,
  { teacher, opening }: Pick<Speeds, 'teacher' | 'opening'>,
): number =>
  (GRID_PICTURES * GRID_RUNS + report_denoising * DENOISING_PICTURES * 2 * DENOISING_LEVELS) * teacher +
  opening

/** Runs of the network for one picture by every setting that is tried. */
const CHOOSING_RUNS = TEACHER_SETTINGS.reduce(
  (sum, { solver, steps }) => sum + SOLVERS[solver].evaluations(steps),
  0,
)

/** Pictures by which noise levels are searched: with few, every prompt several times. */
export const searchPictures = ({ search_pictures }: Pick<Effort, 'search_pictures'>, count: number): number =>
  Math.min(search_pictures, samplesToChoose(count))

/** Pictures of the report for each row and noise seed. */
export const reportSamples = (
  { report_samples }: Pick<Effort, 'report_samples'>,
  { count, samples }: Pick<Measured, 'count' | 'samples'>,
): number => samples ?? Math.min(report_samples, samplesToChoose(count))

export const totalOf = ({ features, checks, search, report }: Costs): number =>
  features + checks + search + report

/** Share of the time that is not for training, at most. */
const REST = 0.4

/**
 * The greatest effort that leaves at least 60 % of the time to the training; the least if none does.
 *
 * @param seconds for all of it.
 */
export const effortWithin = (seconds: number, speeds: Speeds, asked: Measured): Effort => {
  const effort =
    EFFORTS.find((one) => totalOf(costsOf(one, speeds, asked)) <= REST * seconds) ?? EFFORTS.at(-1)!
  // The whole network is there already: one of fewer steps would have to be trained.
  const isThere = speeds.feature_step === 0 && effort.feature_steps > 0
  return isThere ? { ...effort, feature_steps: FEATURE_STEPS } : effort
}

/** The greatest effort of a report alone that takes no longer; judged as `effort` says. */
export const reportWithin = (
  seconds: number,
  { feature_steps }: Pick<Effort, 'feature_steps'>,
  speeds: Speeds,
  asked: Measured,
): Effort => {
  const judged = EFFORTS.map((one) => ({ ...one, feature_steps }))
  return judged.find((one) => costsOf(one, speeds, asked).report <= seconds) ?? judged.at(-1)!
}
