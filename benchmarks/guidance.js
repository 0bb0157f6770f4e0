/**
 * Guidance as an input of the student: quality and obedience at several scales, from one student that was distilled with
 * scales drawn from a range; and whether a negative prompt leads away from what it names. `--runs` keeps the student.
 */
import { join } from 'node:path'
import { featuresFor, Judge, loadDataset, loadModel, Model, nodeRuntime } from 'onestroke'
import { onestroke } from './lib/command.js'
import { distillingOptions } from './lib/emoji.js'
import { rounded } from './lib/statistics.js'

export const about = 'guidance scale and negative prompts as inputs of a student'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  ...distillingOptions('guidance', '120000'),
  range: { type: 'string', default: '1-6', about: 'guidance scales while distilling' },
}

const SCALES = [1, 1.5, 2, 3, 4.5, 6]

/** @type {import('./run.js').Benchmark['run']} */
export const run = async ({ teacher, data, category, range, images, samples, runs }) => {
  const out = join(runs, 'student')
  await onestroke(
    ...['distill', teacher, data, '--category', category, '--guidance-scale', range],
    ...['--images', images, '--samples', '0', '--out', out],
  )
  const resolution = (await loadModel(teacher)).config.network.resolution
  const dataset = await loadDataset(data, { resolution, category: category.split(',') })
  const judge = await Judge.of(await featuresFor(dataset), dataset, { samples: Number(samples), seed: 0 })
  const models = {
    student: Model.of(await loadModel(out), nodeRuntime()),
    teacher: Model.of(await loadModel(teacher), nodeRuntime()),
  }
  const measure = async (/** @type {'student' | 'teacher'} */ who, /** @type {object} */ how) => {
    const { pictures } = await judge.paint(models[who], how)
    const { fid, prompt_top1, precision, recall } = await judge.measure(pictures)
    return {
      ...{ fid: rounded(fid ?? Number.NaN), prompt_top1: rounded(prompt_top1 ?? Number.NaN) },
      ...{ precision: rounded(precision ?? Number.NaN), recall: rounded(recall ?? Number.NaN) },
    }
  }
  /** @type {Record<string, object>} */
  const scales = {}
  for (const guidance_scale of SCALES)
    scales[guidance_scale] = {
      student: await measure('student', { guidance_scale, num_inference_steps: 1 }),
      teacher: await measure('teacher', { guidance_scale, num_inference_steps: 18 }),
    }
  return {
    seeds: { training: 0, evaluation: 0 },
    versions: {},
    results: {
      range,
      images: Number(images),
      scales,
      negative: await negative(judge, models.student, dataset),
    },
  }
}

/**
 * The same noises with no prompt, led away from nothing and from a word: how often the nearest training picture is one
 * that the word names. Prompts that name pictures of both icon sets, which differ in style, are what is led away from.
 *
 * @param {Judge} judge
 * @param {Model} student
 * @param {Awaited<ReturnType<typeof loadDataset>>} dataset
 */
const negative = async (judge, student, dataset) => {
  const styles = [...new Set(dataset.styles ?? [])]
  /** @type {Record<string, object>} */
  const found = {}
  for (const style of styles) {
    const share = async (/** @type {string} */ negative_prompt) => {
      const { pictures } = await judge.paint(student, {
        ...{ guidance_scale: 3, num_inference_steps: 1, negative_prompt },
      })
      const nearest = await judge.nearest(pictures)
      return rounded(nearest.filter((i) => dataset.styles?.[i] === style).length / nearest.length)
    }
    found[style] = { without: await share(''), with: await share(style) }
  }
  return found
}
