/** Trains an autoencoder on crops of pictures, from start, or from where it stopped, to a finished folder. */
import {
  type AutoencoderConfig,
  autoencoderLayout,
  factorOf,
  LATENT_SIGMA_DATA,
} from '@onestroke/core/autoencoder'
import { UserError } from '@onestroke/core/errors'
import type { AutoencoderFile } from '@onestroke/core/formats'
import { wholeNetwork } from '@onestroke/core/nn'
import type { PictureShape } from '@onestroke/core/picture'
import type { Runtime } from '@onestroke/core/tensor'
import { cutPictures, type Dataset, spread } from '../data/index.js'
import { LeastSquares } from '../metrics/index.js'
import { Autoencoder, saveAutoencoder } from '../model/index.js'
import { autoencoderStep } from './autoencoder-step.js'
import type { TaskPlan } from './plan.js'
import type { Progress } from './state.js'
import { checkTask, runTask, type Task, type TaskOptions, type TaskResult } from './task.js'
import { versions } from './versions.js'

/** The plan of a run that trains an autoencoder. Its pictures are crops. */
export interface AutoencoderPlan extends TaskPlan {
  readonly command: 'autoencoder'
  readonly network: AutoencoderConfig
  /** Side of a crop in pixels. */
  readonly crop: number
}

export interface AutoencoderOptions extends TaskOptions<Autoencoder> {
  readonly plan: AutoencoderPlan
  /** What it learns from: not the pictures by which it is measured. */
  readonly dataset: Dataset
}

interface SavedAutoencoder {
  readonly config: AutoencoderFile
  readonly sha256: string
}

/** Pictures by which the mean and the deviation of latents are measured, at most. */
const MEASURED = 256

/**
 * Checks, before anything is written, whether an autoencoder can be trained at all.
 *
 * @throws UserError if pictures are smaller than a crop, crops do not fit the factor, or there is too little memory.
 */
export const checkAutoencoder = ({
  plan,
  dataset,
  group,
}: Pick<AutoencoderOptions, 'plan' | 'dataset' | 'group'>): void => {
  const { network, crop } = plan
  const factor = factorOf(network)
  if (crop % factor !== 0)
    throw new UserError(`crops of ${crop}×${crop} pixels are no multiple of the factor, which is ${factor}`, {
      option: 'crop',
      remedy: `\`crop\` ${factor * Math.max(1, Math.round(crop / factor))}`,
    })
  const side = Math.min(dataset.height, dataset.width)
  if (side < crop)
    throw new UserError(
      `pictures of ${dataset.width}×${dataset.height} pixels are smaller than a crop of ${crop}×${crop}`,
      {
        option: 'crop',
        remedy: 'choose a larger `resolution`, or a smaller `crop`',
      },
    )
  checkTask({ plan, programs: (batch) => [autoencoderStep(network, batch, crop)] }, group)
}

/** Trains the autoencoder of a plan. Saves its state at intervals, and when it is stopped. */
export const trainAutoencoder = (options: AutoencoderOptions): Promise<TaskResult<SavedAutoencoder>> =>
  runTask(taskOf(options), options)

const taskOf = ({
  plan,
  dataset,
  directory,
  runtime,
}: AutoencoderOptions): Task<Autoencoder, SavedAutoencoder> => {
  const { network, crop, seed, batch, flip } = plan
  const layout = autoencoderLayout(network)
  return {
    plan,
    trainable: wholeNetwork(layout),
    programs: (batch) => [autoencoderStep(network, batch, crop)],
    constants: () => ({}),
    batches: (images) => ({
      kind: 'crops',
      dataset: {
        pixels: dataset.pixels,
        count: dataset.count,
        channels: dataset.channels,
        height: dataset.height,
        width: dataset.width,
      },
      autoencoder: network,
      side: crop,
      seed,
      batch,
      images,
      augment: { flip },
    }),
    begin({ parameters, ema }) {
      parameters.set(layout.initialize(seed))
      ema.set(parameters)
    },
    open: (weights) => new Autoencoder(network, layout, weights, runtime, false),
    async finish(weights, progress) {
      const measured = { ...network, ...(await latentsOf(network, weights, dataset, runtime)) }
      return saveAutoencoder(directory, { config: fileOf(plan, measured, dataset, progress), weights })
    },
  }
}

const fileOf = (
  plan: AutoencoderPlan,
  network: AutoencoderConfig,
  dataset: Dataset,
  { step, seconds }: Progress,
): Omit<AutoencoderFile, 'weights_sha256'> => ({
  format: 'onestroke/1',
  kind: 'autoencoder',
  network,
  provenance: {
    data: {
      name: plan.data.spec,
      sha256: plan.data.sha256,
      images: plan.data.images,
      license: dataset.license,
    },
    images_seen: step * plan.batch,
    seconds: Math.round(seconds * 10) / 10,
    seed: plan.seed,
    preset: plan.preset,
    versions: versions(),
  },
})

/**
 * Mean and standard deviation of each channel of the latents, and the colours that a linear map tells of them, over whole pictures
 * of a dataset, at most `MEASURED` of them.
 */
const latentsOf = async (
  network: AutoencoderConfig,
  weights: Float32Array,
  dataset: Dataset,
  runtime: Runtime,
): Promise<Pick<AutoencoderConfig, 'latents_mean' | 'latents_std' | 'preview'>> => {
  const plain = { ...network, ...unmeasured(network.latent_channels) }
  const autoencoder = new Autoencoder(plain, autoencoderLayout(network), weights, runtime)
  const sums = plain.latents_mean.map(() => ({ count: 0, sum: 0, squares: 0 }))
  const colours = new LeastSquares(network.latent_channels, network.channels)
  for (const row of spread([...Array(dataset.count).keys()], MEASURED)) {
    const picture = cutPictures(dataset, [row], factorOf(network))
    const points = await autoencoder.encode(picture.data, picture)
    const each = points.length / sums.length
    for (const [i, value] of points.entries()) {
      const channel = sums[Math.floor(i / each)]!
      channel.count++
      channel.sum += value
      channel.squares += value ** 2
    }
    const means = squareMeans(picture.data, picture, factorOf(network))
    for (let at = 0; at < each; at += Math.ceil(network.latent_channels / MANY))
      colours.add(
        sums.map((_, k) => points[k * each + at]!),
        Array.from({ length: network.channels }, (_, c) => means[c * each + at]!),
      )
  }
  await autoencoder.release()
  const mean = sums.map(({ count, sum }) => sum / count)
  const std = sums.map(({ count, sum, squares }) =>
    // A channel that says nothing has no deviation, and must not be divided by 0.
    Math.max(Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2)), 1e-3),
  )
  return {
    latents_mean: mean.map(rounded),
    latents_std: std.map(rounded),
    // Points are latents with another mean and deviation.
    preview: colours.solution().map((row) => {
      const weights = row.slice(0, -1)
      const added = weights.reduce((sum, weight, k) => sum + weight * mean[k]!, row.at(-1)!)
      return [...weights.map((weight, k) => (weight * std[k]!) / LATENT_SIGMA_DATA), added].map(rounded)
    }),
  }
}

/** Latents of more channels than this have their colours fitted to fewer of their positions. */
const MANY = 16

/** The mean colour of each square of `side`×`side` pixels of a picture: [channels, height/side, width/side]. */
const squareMeans = (
  picture: Float32Array,
  { channels, height, width }: PictureShape,
  side: number,
): Float32Array => {
  const out = new Float32Array((channels * height * width) / side ** 2)
  for (const [at, value] of picture.entries()) {
    const row = Math.floor(at / width)
    const y = Math.floor((row % height) / side)
    const c = Math.floor(row / height)
    out[(c * (height / side) + y) * (width / side) + Math.floor((at % width) / side)]! += value / side ** 2
  }
  return out
}

/** What a config says of latents before they were measured: what `encode` then gives are the latents themselves. */
export const unmeasured = (
  latent_channels: number,
): Pick<AutoencoderConfig, 'latents_mean' | 'latents_std'> => ({
  latents_mean: Array<number>(latent_channels).fill(0),
  latents_std: Array<number>(latent_channels).fill(LATENT_SIGMA_DATA),
})

/** Six digits are as many as float32 tells apart. */
const rounded = (value: number): number => Number(value.toPrecision(6))
