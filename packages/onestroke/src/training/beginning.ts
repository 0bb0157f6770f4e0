/** Chooses the network that is trained, and its first weights. */
import { isDeepStrictEqual } from 'node:util'
import { factorOf } from '@onestroke/core/autoencoder'
import { type DenoiserConfig, EDM, type Objective } from '@onestroke/core/diffusion'
import { UserError } from '@onestroke/core/errors'
import {
  halfNetwork,
  lowRank,
  type NetworkConfig,
  networkLayout,
  type Trainable,
  wholeNetwork,
} from '@onestroke/core/nn'
import { sizeOption, sizeText } from '@onestroke/core/picture'
import { PIXELS, type Points, pointsOf, type Space } from '@onestroke/core/space'
import type { Vocabulary } from '@onestroke/core/text'
import type { Dataset } from '../data/index.js'
import type { LoadedAutoencoder, LoadedModel } from '../model/index.js'
import { HALF, halved } from './half.js'
import { objectiveNamed } from './objectives.js'
import type { RunPlan } from './plan.js'
import { isTrainable, presetNetwork, trainableSize } from './presets.js'
import { TEACHER_PREFIX } from './step.js'

/** The options that choose the network and its first weights. */
export interface Given {
  readonly plan: RunPlan
  readonly dataset: Dataset
  readonly vocabulary: Vocabulary
  readonly teacher?: LoadedModel
  /** What the weights begin as, in place of fresh ones, or of the teacher's. */
  readonly initFrom?: LoadedModel
  /** In whose latents a fresh model works. A teacher, or a model to go on from, brings its own. */
  readonly autoencoder?: LoadedAutoencoder
}

type Origins = Pick<Given, 'teacher' | 'initFrom' | 'autoencoder'>

/** The autoencoder in whose latents the denoiser works: the teacher's, or that of the model to go on from, or the given one. */
export const autoencoderOf = ({ teacher, initFrom, autoencoder }: Origins): LoadedAutoencoder | undefined => {
  const origin = teacher ?? initFrom
  return origin ? origin.autoencoder : autoencoder
}

/** In what the denoiser works. */
export const spaceOf = (origins: Origins): Space => {
  const autoencoder = autoencoderOf(origins)
  return autoencoder ? { kind: 'latents', autoencoder: autoencoder.config.network } : PIXELS
}

/** What the denoiser sees of the pictures of a data set. @throws UserError if they do not fit the autoencoder. */
export const pointsFor = (
  origins: Origins,
  { channels, height, width }: Pick<Dataset, 'channels' | 'height' | 'width'>,
): Points => {
  const autoencoder = autoencoderOf(origins)
  if (!autoencoder) return pointsOf(PIXELS, { channels, height, width })
  const { network } = autoencoder.config
  if (network.channels !== channels)
    throw new UserError(
      `${autoencoder.path} takes pictures of ${network.channels} channels, and these have ${channels}`,
      { option: 'channels', remedy: `\`channels\` ${network.channels}` },
    )
  const factor = factorOf(network)
  const latents = { height: height / factor, width: width / factor }
  if (!Object.values(latents).every(Number.isInteger) || !isTrainable(latents)) {
    const near = trainableSize({ height: Math.round(latents.height), width: Math.round(latents.width) })
    const pictures = { height: near.height * factor, width: near.width * factor }
    throw new UserError(
      `no network takes the latents of pictures of ${sizeText({ height, width })} pixels, each of which stands for ${factor}×${factor} pixels`,
      { option: 'resolution', remedy: `\`resolution\` ${sizeOption(pictures)}` },
    )
  }
  return pointsOf(spaceOf(origins), { channels, height, width })
}

/** The network that the plan's preset names: the teacher's own or half of it, that of the model to go on from, or a fresh one. */
const namedNetwork = (given: Given): NetworkConfig => {
  const { plan, dataset, vocabulary, teacher, initFrom } = given
  const { preset } = plan
  if (!teacher && initFrom) return initFrom.config.network
  if (teacher && preset === teacher.config.provenance.preset) return teacher.config.network
  if (teacher && preset === HALF) return halved(teacher.config.network).network
  return presetNetwork(preset, pointsFor(given, dataset).shape, vocabulary)
}

/**
 * The network that is trained: the one that the plan names, with the inputs that the method asks for.
 *
 * @throws UserError if there is none for pictures of this size.
 */
export const networkOf = (given: Given, objective: Objective): NetworkConfig => {
  const { plan, initFrom } = given
  const { embedding, ...rest } = namedNetwork(given)
  const inputs = {
    // A model with a guidance input keeps it: without that input it would paint other pictures.
    guidance_embedding:
      typeof plan.guidance_scale !== 'number' ||
      initFrom?.config.network.embedding.guidance_embedding === true,
    jump_embedding: objective.flow_map === true,
  }
  return { ...rest, embedding: { ...embedding, ...inputs } }
}

/** How the network is read: as the model that it begins as; else with the prediction of the teacher, or of the plan. */
export const denoiserConfig = (
  given: Given,
  objective: Objective,
  network: NetworkConfig,
  beginning: Beginning | undefined,
): DenoiserConfig => {
  const { plan, dataset, teacher, initFrom } = given
  const { sigma_min, sigma_max } = plan
  // What is refined stays what it is.
  const refined = objective.refines ? initFrom?.config : undefined
  const before = beginning?.model.config
  return {
    network,
    prediction: before?.prediction ?? teacher?.config.prediction ?? plan.prediction ?? EDM.prediction,
    path: before?.path ?? EDM.path,
    boundary: refined?.boundary ?? objective.boundary,
    sigma_min,
    sigma_max,
    sigma_data: pointsFor(given, dataset).sigma_data,
  }
}

/** Where a network's first weights come from: parameter `name` begins as the model's `from(name)`, if it has such a one. */
export interface Beginning {
  readonly model: LoadedModel
  readonly from?: (name: string) => string
}

/**
 * The model to go on from, if there is one; else the teacher, where the network is the same or half of it; else nothing.
 *
 * @throws UserError if the model to go on from is another network, knows other words, or is none that the method can refine.
 */
export const beginningOf = (
  { plan: { preset, method }, vocabulary, teacher, initFrom }: Omit<Given, 'dataset'>,
  network: NetworkConfig,
): Beginning | undefined => {
  if (initFrom) {
    const { config, path } = initFrom
    if (!isDeepStrictEqual(config.vocabulary, vocabulary))
      throw new UserError(`${path} knows other prompts or classes than the teacher`, {
        option: 'init_from',
        remedy: 'begin with a student of the same teacher',
      })
    if (teacher && !isDeepStrictEqual(config.space, teacher.config.space))
      throw new UserError(
        `${path} and the teacher work in other spaces: their autoencoders are not the same`,
        {
          option: 'init_from',
          remedy: 'begin with a student of the same teacher',
        },
      )
    if (objectiveNamed(method).refines && config.network.embedding.jump_embedding)
      throw new UserError(`${path} is a flow map, which ${method} does not make better`, {
        option: 'init_from',
        remedy: 'begin with a consistency student, such as the default method makes',
      })
    if (isAlike(config.network, network)) return { model: initFrom }
    const half = halfNetwork(config.network)
    if (half && isAlike(half.network, network)) return { model: initFrom, from: half.from }
    throw new UserError(`${path} is a network of another size than the one that is to begin as it`, {
      option: 'init_from',
      remedy: `choose its size (\`student\`), or half of it (\`student\` ${HALF})`,
    })
  }
  if (teacher && preset === HALF) return { model: teacher, from: halved(teacher.config.network).from }
  return teacher && preset === teacher.config.provenance.preset ? { model: teacher } : undefined
}

/** Prefix of frozen weights that are not the teacher's. */
const FROZEN_PREFIX = 'frozen.'

/**
 * What is trained of the network: all of it, or, where the plan says `lora`, adapters on the model that it begins as. If that is
 * the teacher, the two share their constants.
 *
 * @throws UserError if there is no such model, or if it cannot be adapted so.
 */
export const trainableOf = (
  { plan: { lora }, teacher }: Given,
  network: NetworkConfig,
  beginning: Beginning | undefined,
): Trainable => {
  const layout = networkLayout(network)
  if (!lora) return wholeNetwork(layout)
  if (!beginning || beginning.from)
    throw new UserError('adapters need a model of the same network to begin as', {
      remedy: 'begin as the teacher, with its own preset, or with a student of it',
    })
  const { model } = beginning
  try {
    return lowRank(layout, model, lora, model === teacher ? TEACHER_PREFIX : FROZEN_PREFIX)
  } catch (cause) {
    throw new UserError((cause as Error).message, { cause })
  }
}

/** Whether two networks are equal, apart from the inputs that methods add. */
const isAlike = (a: NetworkConfig, b: NetworkConfig): boolean => isDeepStrictEqual(bare(a), bare(b))

const bare = ({ embedding, ...rest }: NetworkConfig) => ({
  ...rest,
  embedding: { ...embedding, guidance_embedding: false, jump_embedding: false },
})
