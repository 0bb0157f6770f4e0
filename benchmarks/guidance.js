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
  ...distillingOptions('guidance', '60000'),
  range: { type: 'string', default: '1-3', about: 'guidance scales while distilling' },
}

/** Those of them that the student learned are measured. */
const SCALES = [1, 1.5, 2, 2.5, 3, 4.5, 6]

/** How the teacher paints. @type {{ solver: 'heun', num_inference_steps: number }} */
const TEACHER = { solver: 'heun', num_inference_steps: 18 }

/** Words that are led away from, and pictures for each. */
const [WORDS, SAMPLES] = [12, 512]

/** @type {import('./run.js').Benchmark['run']} */
export const run = async ({ teacher, data, category, range, images, samples, runs }) => {
  const out = join(runs, 'student')
  const training = ['--category', category, '--images', images, '--samples', '0']
  await onestroke('distill', teacher, data, ...training, '--guidance-scale', range, '--out', out)
  const { network } = (await loadModel(teacher)).config
  const dataset = await loadDataset(data, { resolution: network, category: category.split(',') })
  const judge = await Judge.of(await featuresFor(dataset), dataset, { samples: Number(samples), seed: 0 })
  const models = {
    student: Model.of(await loadModel(out), nodeRuntime()),
    teacher: Model.of(await loadModel(teacher), nodeRuntime()),
  }
  const measure = async (/** @type {'student' | 'teacher'} */ who, /** @type {object} */ how) => {
    const { pictures } = await judge.paint(models[who], how)
    const { fid, prompt_top1, precision, recall } = await judge.measure(pictures)
    return {
      fid: rounded(fid ?? Number.NaN),
      prompt_top1: rounded(prompt_top1 ?? Number.NaN),
      precision: rounded(precision ?? Number.NaN),
      recall: rounded(recall ?? Number.NaN),
    }
  }
  /** @type {Record<string, object>} */
  const scales = {}
  const [least = 1, most = 1] = range.split('-').map(Number)
  for (const guidance_scale of SCALES.filter((scale) => scale >= least && scale <= most))
    scales[guidance_scale] = {
      student: await measure('student', { guidance_scale, num_inference_steps: 1 }),
      teacher: await measure('teacher', { guidance_scale, ...TEACHER }),
    }
  return {
    seeds: { training: 0, evaluation: 0 },
    versions: {},
    results: {
      range,
      images: Number(images),
      scales,
      negative: {
        student: await negative(judge, models.student, dataset, { num_inference_steps: 1 }),
        teacher: await negative(judge, models.teacher, dataset, TEACHER),
      },
    },
  }
}

/**
 * The same noises with no prompt, led away from nothing and from a word: how often the nearest training picture is one
 * that the word names. The words are those that name most pictures, and the two icon sets, which differ in style.
 *
 * @param {Judge} judge
 * @param {Model} model
 * @param {Awaited<ReturnType<typeof loadDataset>>} dataset
 * @param {{ solver?: 'heun', num_inference_steps: number }} how
 */
const negative = async (judge, model, dataset, how) => {
  const said = (dataset.names ?? []).map(
    (name, i) => new Set([...name.split(' '), dataset.styles?.[i] ?? '']),
  )
  /** @type {Map<string, number>} */
  const counts = new Map()
  for (const word of said.flatMap((words) => [...words])) counts.set(word, (counts.get(word) ?? 0) + 1)
  const words = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, WORDS)
  const nearest = async (/** @type {string} */ negative_prompt) => {
    const found = []
    for (let first = 0; first < SAMPLES; first += 64) {
      const { data } = await model.generate({
        prompts: Array(64).fill(''),
        negative_prompt,
        guidance_scale: 3,
        ...how,
        seed: first,
      })
      found.push(...(await judge.nearest(data)))
    }
    return found
  }
  const plain = await nearest('')
  /** @type {Record<string, { without: number, with: number }>} */
  const shares = {}
  for (const [word] of words) {
    const share = (/** @type {number[]} */ found) =>
      rounded(found.filter((i) => said[i]?.has(word)).length / found.length)
    shares[word] = { without: share(plain), with: share(await nearest(word)) }
  }
  const total = (/** @type {'with' | 'without'} */ which) =>
    Object.values(shares).reduce((sum, share) => sum + share[which], 0)
  return { shares, kept: rounded(total('with') / total('without')) }
}
