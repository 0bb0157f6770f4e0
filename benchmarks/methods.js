/**
 * All methods from the same teacher, each on the same number of images, for the same time, or both: how good their students
 * are in 1 to 8 steps, by several judges and on several noise seeds, and what a training image costs. All take their steps
 * at the noise levels that the rule gives, so that methods are compared and not searches. `--runs` keeps the students and
 * what was measured of them, so that what was interrupted goes on; give the same folder again.
 */
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { METHODS } from '@onestroke/core/consistency'
import { onestroke } from './lib/command.js'
import { distillingOptions } from './lib/emoji.js'
import { best, byJudges, judged, meanOf } from './lib/judges.js'
import { median, rounded } from './lib/statistics.js'
import { flagsOf, VARIANTS } from './lib/variants.js'

export const about = 'all methods from one teacher: quality at 1 to 8 steps, seconds and memory'

/** What is compared. @type {NonNullable<import('./run.js').Benchmark['options']>} */
export const comparison = {
  seeds: { type: 'string', default: '3', about: 'trainings of each method' },
  'noise-seeds': { type: 'string', default: '4', about: 'noise seeds that each student is judged on' },
  equal: { type: 'string', default: 'both', about: 'what all have alike: images, seconds or both, in turn' },
  minutes: { type: 'string', default: '2', about: 'time of each training where it is alike' },
  methods: {
    type: 'string',
    // What refines a student has none to begin with here.
    default: Object.keys(METHODS)
      .filter((name) => !METHODS[name]?.refines)
      .join(','),
    about: `which; ${Object.keys(VARIANTS).join(' and ')} are some, too, and scd@top=0 is scd with an option`,
  },
}

/** @type {import('./run.js').Benchmark['options']} */
export const options = { ...distillingOptions('methods', '20000'), ...comparison }

const STEPS = [1, 2, 4, 8]

/**
 * What all trainings have alike, by its name: a flag for `distill`.
 *
 * @param {Record<string, string>} options
 * @returns {Record<string, string[]>}
 */
const budgetsOf = ({ equal, images, minutes }) => {
  /** @type {Record<string, string[]>} */
  const all = { images: ['--images', images], seconds: ['--minutes', minutes] }
  if (equal === 'both') return all
  const only = all[equal]
  if (!only) throw new RangeError(`--equal is images, seconds or both, not ${equal}`)
  return { [equal]: only }
}

/**
 * What `work` finds, or what an earlier run wrote to `file`.
 *
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
const once = async (file, work) => {
  if (existsSync(file)) return JSON.parse(await readFile(file, 'utf8'))
  const found = await work()
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, JSON.stringify(found))
  return found
}

/** @type {import('./run.js').Benchmark['run']} */
export const run = async (options) => {
  const { teacher, data, category, runs, images, methods, ...rest } = options
  const seeds = Array.from({ length: Number(rest.seeds) }, (_, i) => i)
  const budgets = budgetsOf(options)
  const pictures = [data, ...(data.startsWith('iconify:') ? ['--category', category] : [])]
  const judging = { steps: STEPS, samples: rest.samples, 'noise-seeds': rest['noise-seeds'] }
  const teachers = await once(join(runs, 'teacher.json'), () => judged(teacher, pictures, judging))

  /** @param {string} method @param {string} budget @param {number} seed */
  const measure = (method, budget, seed) => {
    const out = join(runs, `${method}-${budget}-${seed}`)
    return once(`${out}.json`, async () => {
      const { peak_memory_mib } = await onestroke(
        'distill',
        teacher,
        ...pictures,
        ...flagsOf(method),
        ...budgets[budget],
        '--seed',
        String(seed),
        '--samples',
        '0',
        '--checks',
        '0',
        '--no-tune',
        '--out',
        out,
      )
      const config = JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))
      const rows = await judged(out, pictures, judging)
      return {
        /** @type {number | null} */
        top: config.method.options.top ?? null,
        /** @type {number} */
        images: config.provenance.images_seen,
        /** @type {number} */
        seconds: config.provenance.seconds,
        peak_memory_mib,
        rows: rows.filter(({ who }) => who === 'student'),
      }
    })
  }

  /** @typedef {Awaited<ReturnType<typeof measure>>} Trained */
  /** @type {{ method: string, budget: string, found: Trained[] }[]} */
  const all = methods
    .split(',')
    .flatMap((method) => Object.keys(budgets).map((budget) => ({ method, budget, found: [] })))
  // Seed by seed, so that every method has a number as early as possible.
  for (const seed of seeds)
    for (const { method, budget, found } of all) found.push(await measure(method, budget, seed))

  const summary = (/** @type {Trained[]} */ found) => ({
    top: found[0].top,
    images: median(found.map((one) => one.images)),
    seconds: rounded(median(found.map((one) => one.seconds))),
    milliseconds_per_image: rounded(median(found.map(({ seconds, images }) => (1000 * seconds) / images))),
    peak_memory_mib: Math.max(...found.map((one) => one.peak_memory_mib ?? 0)) || null,
    steps: STEPS.map((steps) => {
      const rows = found.flatMap((one) => one.rows.filter((row) => row.steps === steps))
      return {
        steps,
        prompt_top1: meanOf(rows.map(({ prompt_top1 }) => prompt_top1)),
        judges: byJudges(rows, teachers),
      }
    }),
  })
  return {
    seeds: {
      ...Object.fromEntries(seeds.map((seed) => [`training ${seed}`, seed])),
      'first of the noise': 0,
    },
    versions: {},
    results: {
      data,
      teacher,
      samples: Number(rest.samples),
      noise_seeds: Number(rest['noise-seeds']),
      levels: 'by rule',
      // By each judge.
      teacher_best: Object.fromEntries(
        Object.keys(teachers[0].judges).map((judge) => {
          const { solver, steps, nfe, prompt_top1, judges } = best(teachers, judge)
          const { mean, sd } = judges[judge].fid
          return [
            judge,
            {
              solver,
              steps,
              evaluations: nfe,
              prompt_top1: prompt_top1 && rounded(prompt_top1),
              fid: rounded(mean),
              noise: sd === null ? null : rounded(sd),
            },
          ]
        }),
      ),
      equal: Object.fromEntries(
        Object.keys(budgets).map((budget) => [
          budget,
          {
            ...(budget === 'images' ? { images: Number(images) } : { minutes: Number(rest.minutes) }),
            methods: all
              .filter((one) => one.budget === budget)
              .map(({ method, found }) => ({ method, ...summary(found) })),
          },
        ]),
      ),
    },
  }
}
