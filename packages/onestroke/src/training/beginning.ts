/** Which network is trained, and what its weights begin as. */
import { isDeepStrictEqual } from 'node:util'
import { UserError } from '@onestroke/core/formats'
import type { NetworkConfig } from '@onestroke/core/nn'
import type { LoadedModel } from '../model/index.js'
import { beginsAs, HALF, halved } from './half.js'
import { objectiveNamed } from './objectives.js'
import { presetNetwork } from './presets.js'
import type { RunOptions } from './run.js'

/** What decides which network is trained, and from where. */
export type Given = Pick<RunOptions, 'plan' | 'dataset' | 'vocabulary' | 'teacher' | 'initFrom'>

/**
 * The network that the plan's preset names: the teacher's own or half of it, that of the model to go on from, or a fresh one.
 *
 * @throws UserError if there is none for pictures of this size.
 */
export const networkOf = ({ plan, dataset, vocabulary, teacher, initFrom }: Given): NetworkConfig => {
  const { preset } = plan
  if (!teacher && initFrom) return initFrom.config.network
  if (teacher && preset === teacher.config.provenance.preset) return teacher.config.network
  if (teacher && preset === HALF) return halved(teacher.config.network)
  return presetNetwork(preset, dataset, vocabulary)
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
        exitCode: 2,
        remedy: 'begin with a student of the same teacher',
      })
    if (objectiveNamed(method).refines && config.network.embedding.jump_embedding)
      throw new UserError(`${path} is a flow map, which ${method} does not make better`, {
        exitCode: 2,
        remedy: 'begin with a consistency student, such as the default method makes',
      })
    if (isAlike(config.network, network)) return { model: initFrom }
    if (config.network.type === 'hourglass' && isAlike(halved(config.network), network))
      return { model: initFrom, from: beginsAs }
    throw new UserError(`${path} is a network of another size than the one that is to begin as it`, {
      exitCode: 2,
      remedy: `choose its size (--student), or half of it (--student ${HALF})`,
    })
  }
  if (teacher && preset === HALF) return { model: teacher, from: beginsAs }
  return teacher && preset === teacher.config.provenance.preset ? { model: teacher } : undefined
}

/** Whether networks are the same but for the inputs that methods add. */
const isAlike = (a: NetworkConfig, b: NetworkConfig): boolean => isDeepStrictEqual(bare(a), bare(b))

const bare = ({ embedding, ...rest }: NetworkConfig) => ({
  ...rest,
  embedding: { ...embedding, guidance_embedding: false, jump_embedding: false },
})
