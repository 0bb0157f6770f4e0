/**
 * All methods from the same teacher, on the same number of images: how good their students are in 1 to 16 steps,
 * and what a training image costs. `--runs` keeps the students and what was measured of them, so that what was
 * interrupted goes on; give the same folder again.
 */
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { METHODS } from '@onestroke/core/consistency'
import { featuresFor, Judge, loadDataset, loadModel, Model, TEACHER_SETTINGS } from 'onestroke'
import { onestroke } from './lib/command.js'
import { distillingOptions } from './lib/emoji.js'
import { mean, median, rounded, spread } from './lib/statistics.js'
import { VARIANTS } from './lib/variants.js'

export const about = 'all methods from one teacher: quality at 1 to 16 steps, seconds and memory'

/** What is compared. @type {NonNullable<import('./run.js').Benchmark['options']>} */
export const comparison = {
  seeds: { type: 'string', default: '3', about: 'trainings of each method' },
  methods: {
    type: 'string',
    // What refines a student has none to begin with here.
    default: Object.keys(METHODS)
      .filter((name) => !METHODS[name]?.refines)
      .join(','),
    about: `which; ${Object.keys(VARIANTS).join(' and ')} are some, too`,
  },
}

/** @type {import('./run.js').Benchmark['options']} */
export const options = { ...distillingOptions('methods', '20000'), ...comparison }

/** Flags for `distill`. @param {string} method one of `distill`, or a variant */
const flagsOf = (method) =>
  Object.entries(VARIANTS).find(([name]) => name === method)?.[1] ?? ['--method', method]

const STEPS = [1, 2, 4, 8, 16]

/** The settings at one of which a teacher is at its best. */
const TEACHER = TEACHER_SETTINGS.map(({ solver, steps }) => ({ solver, num_inference_steps: steps }))

/** @typedef {{ fid: number, prompt_top1: number | null }} Quality */

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

/** @param {Record<string, string>} options */
const rig = async ({ teacher, data, category, samples }) => {
  const { resolution } = (await loadModel(teacher)).config.network
  const emoji = data.startsWith('iconify:')
  const dataset = await loadDataset(data, { resolution, ...(emoji && { category: category.split(',') }) })
  const judge = await Judge.of(await featuresFor(dataset), dataset, { samples: Number(samples), seed: 0 })
  /**
   * Quality of a model at each of several settings.
   *
   * @param {string} path
   * @param {readonly Omit<import('onestroke').GenerateOptions, 'prompts' | 'seed' | 'first'>[]} settings
   * @returns {Promise<Quality[]>}
   */
  const qualities = async (path, settings) => {
    const model = await Model.load(path)
    const found = []
    for (const setting of settings) {
      const { pictures } = await judge.paint(model, setting)
      const { fid, prompt_top1 } = await judge.measure(pictures)
      found.push({ fid: fid ?? Number.NaN, prompt_top1 })
    }
    await model.release()
    return found
  }
  return {
    qualities,
    pictures: ['--resolution', String(resolution), ...(emoji ? ['--category', category] : [])],
  }
}

/** @type {import('./run.js').Benchmark['run']} */
export const run = async (options) => {
  const { teacher, data, runs, images, methods, ...rest } = options
  const seeds = Array.from({ length: Number(rest.seeds) }, (_, i) => i)
  const { qualities, pictures } = await rig(options)
  const teachers = await once(join(runs, 'teacher.json'), () => qualities(teacher, TEACHER))
  /** @param {string} method @param {number} seed */
  const measure = (method, seed) =>
    once(join(runs, `${method}-${seed}.json`), async () => {
      const out = join(runs, `${method}-${seed}`)
      const { peak_memory_mib } = await onestroke(
        ...['distill', teacher, data, ...pictures, ...flagsOf(method), '--seed', String(seed)],
        ...['--images', images, '--samples', '0', '--checks', '0', '--out', out],
      )
      const { provenance } = JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))
      return {
        steps: await qualities(
          out,
          STEPS.map((num_inference_steps) => ({ num_inference_steps })),
        ),
        milliseconds_per_image: (1000 * provenance.seconds) / provenance.images_seen,
        peak_memory_mib,
      }
    })
  /** @type {Map<string, Awaited<ReturnType<typeof measure>>[]>} */
  const all = new Map(methods.split(',').map((name) => [name, []]))
  // Seed by seed, so that every method has a number as early as possible.
  for (const seed of seeds) for (const [name, found] of all) found.push(await measure(name, seed))
  const best = teachers.reduce((a, b) => (b.fid < a.fid ? b : a))
  const table = [...all].map(([method, found]) => ({
    method,
    steps: STEPS.map((steps, i) => {
      const fids = found.map((one) => one.steps[i].fid)
      const top1 = found.map((one) => one.steps[i].prompt_top1)
      return {
        steps,
        fid: { mean: rounded(mean(fids)), spread: rounded(spread(fids)) },
        of_teacher: rounded(mean(fids) / best.fid),
        prompt_top1: top1.every((value) => value !== null) ? rounded(mean(top1)) : null,
      }
    }),
    milliseconds_per_image: rounded(median(found.map((one) => one.milliseconds_per_image))),
    peak_memory_mib: Math.max(...found.map((one) => one.peak_memory_mib ?? 0)) || null,
  }))
  return {
    seeds: Object.fromEntries(seeds.map((seed) => [`training ${seed}`, seed])),
    versions: {},
    results: {
      ...{ data, teacher, images: Number(images), samples: Number(rest.samples) },
      teacher_best: {
        ...TEACHER[teachers.indexOf(best)],
        fid: rounded(best.fid),
        prompt_top1: best.prompt_top1 && rounded(best.prompt_top1),
      },
      methods: table,
    },
  }
}
