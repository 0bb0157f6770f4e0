/**
 * Which network to train by default, and by which optimiser: an hourglass transformer or a convolutional U-Net, each as `train`
 * makes it, and the first also by Adam, at 32×32, on the emoji and on photographs if there are some, for the same time. How many pictures that is for each
 * is measured first, with their steps taking turns; the trainings then see exactly so many, whatever else the machine does
 * meanwhile.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diffusion, EDM } from '@onestroke/core/diffusion'
import { networkLayout } from '@onestroke/core/nn'
import { buildTextVocabulary } from '@onestroke/core/text'
import { compileMuon, loadDataset, nodeRuntime, presetNetwork, trainingStep } from 'onestroke'
import { onestroke } from './lib/command.js'
import { CATEGORY, DATA } from './lib/emoji.js'
import { median, rounded } from './lib/statistics.js'

export const about =
  'hourglass transformer against U-Net, and Muon against Adam: quality and seams after the same training time'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  minutes: { type: 'string', default: '5', about: 'training time of each, on an idle machine' },
  samples: { type: 'string', default: '922', about: 'pictures to judge by' },
  photographs: {
    type: 'string',
    default: '',
    about: 'photographs to train on as well, for instance tar:FILE',
  },
}

const RESOLUTION = 32
const BATCH = 64
/** @typedef {{ preset: string, optimizer: 'muon' | 'adam' }} Variant */

/** @type {readonly Variant[]} */
const VARIANTS = [
  { preset: 'base', optimizer: 'muon' },
  { preset: 'base', optimizer: 'adam' },
  { preset: 'unet', optimizer: 'muon' },
]

/** @param {Variant} variant */
const nameOf = ({ preset, optimizer }) => `${preset}, ${optimizer}`
const ROUNDS = 12

/**
 * Seconds of a training step for each variant, by name.
 *
 * @returns {Promise<Record<string, { seconds: number, parameters: number }>>}
 */
const stepSeconds = async () => {
  const { names = [], styles = [] } = await loadDataset(DATA, {
    resolution: RESOLUTION,
    category: CATEGORY.split(','),
  })
  const vocabulary = buildTextVocabulary(names, styles)
  const rigs = []
  for (const variant of VARIANTS) {
    const { preset, optimizer } = variant
    const network = presetNetwork(preset, { channels: 3, height: RESOLUTION, width: RESOLUTION }, vocabulary)
    const program = trainingStep({
      student: { network, ...EDM, sigma_min: 0.01, sigma_max: 80, sigma_data: 0.5 },
      guidance_scale: 1,
      objective: diffusion,
      options: diffusion.options,
      batch: BATCH,
    })
    const layout = networkLayout(network)
    const muon = optimizer === 'muon' ? await compileMuon(layout, nodeRuntime()) : undefined
    const inputs = Object.fromEntries(
      Object.entries(program.inputs).map(([name, { size }]) => [name, new Float32Array(size).fill(0.1)]),
    )
    /** @type {number[]} */
    const times = []
    const executable = await nodeRuntime().compile(program)
    const [gradient, directions] = [new Float32Array(layout.size), new Float32Array(muon?.size ?? 0)]
    rigs.push({ name: nameOf(variant), executable, muon, inputs, gradient, directions, times })
  }
  for (let round = 0; round < ROUNDS; round++)
    for (const { executable, muon, inputs, gradient, directions, times } of rigs) {
      const begin = performance.now()
      await executable.run(inputs, { gradient })
      await muon?.orthogonalize(gradient, directions)
      times.push((performance.now() - begin) / 1000)
    }
  for (const { executable, muon } of rigs) {
    await executable.release()
    await muon?.release()
  }
  return Object.fromEntries(
    rigs.map(({ name, times, gradient }) => [
      name,
      { seconds: median(times.slice(2)), parameters: gradient.length },
    ]),
  )
}

/**
 * Trains one variant and measures it.
 *
 * @param {Variant} variant
 * @param {string} data
 * @param {{ seconds: number, parameters: number }} step
 * @param {{ minutes: string, samples: string, out: string }} how
 */
const trained = async ({ preset, optimizer }, data, { seconds, parameters }, { minutes, samples, out }) => {
  const images = Math.round((Number(minutes) * 60) / seconds) * BATCH
  const pictures = [...(data === DATA ? ['--category', CATEGORY] : []), '--resolution', String(RESOLUTION)]
  const training = ['--preset', preset, '--optimizer', optimizer, '--batch', String(BATCH)]
  await onestroke('train', data, ...pictures, ...training, '--images', String(images), '--out', out)
  const { stdout } = await onestroke(
    'evaluate',
    out,
    '--data',
    data,
    ...(data === DATA ? ['--category', CATEGORY] : []),
    '--samples',
    samples,
    '--steps',
    '4',
    '--json',
  )
  /** @type {import('onestroke').Evaluation} */
  const { rows, real, noise_seeds } = JSON.parse(stdout)
  const [best] = rows
    .filter(({ solver }) => solver !== 'ddim')
    .sort((a, b) => (a.fid ?? Number.NaN) - (b.fid ?? Number.NaN))
  return {
    preset,
    optimizer,
    data,
    parameters,
    images_per_second: rounded(BATCH / seconds),
    images,
    noise_seeds,
    real,
    best,
  }
}

/** @type {import('./run.js').Benchmark['run']} */
export const run = async ({ minutes, samples, photographs }) => {
  const steps = await stepSeconds()
  const directory = await mkdtemp(join(tmpdir(), 'onestroke-architecture-'))
  const rows = []
  try {
    for (const data of [DATA, ...(photographs ? [photographs] : [])])
      for (const variant of VARIANTS) {
        const out = join(directory, String(rows.length))
        rows.push(await trained(variant, data, steps[nameOf(variant)], { minutes, samples, out }))
      }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
  return { seeds: { training: 0, evaluation: 0 }, versions: {}, results: { minutes: Number(minutes), rows } }
}
