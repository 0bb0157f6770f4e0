/** Pictures for a model that has its vocabulary already. */
import { UserError } from '@onestroke/core/formats'
import { shownChannels } from '@onestroke/core/pipeline'
import { Tokenizer, type Vocabulary } from '@onestroke/core/text'
import type { Dataset } from '../data/index.js'
import { checkFit } from '../evaluation/index.js'
import type { LoadedModel } from '../model/index.js'
import type { DataFlags } from './options.js'

/**
 * The model's vocabulary.
 *
 * @param who the model, in what is said of it.
 * @throws UserError if the pictures are not of its size, or do not have what it is conditioned on.
 */
export const sharedVocabulary = (model: LoadedModel, who: string, dataset: Dataset): Vocabulary => {
  checkFit(model, dataset)
  const { vocabulary } = model.config
  const { kind } = vocabulary
  const { names, classes, name } = dataset
  if ((kind === 'text' && !names) || (kind === 'class' && !classes))
    throw new UserError(
      `${who} is conditioned on ${kind === 'text' ? 'prompts' : 'classes'}, but ${name} has none`,
      { exitCode: 2 },
    )
  const tokenizer = new Tokenizer(vocabulary)
  const unknown = kind === 'class' && classes!.find((one) => !tokenizer.knowsClass(one))
  if (typeof unknown === 'string')
    throw new UserError(`${who} does not know the class "${unknown}" of ${name}`, { exitCode: 2 })
  return vocabulary
}

/** Flags for data of the pictures' size that the model paints, unless they say otherwise. */
export const flagsFor = ({
  config: { network },
}: LoadedModel): Required<Pick<DataFlags, 'resolution' | 'channels'>> => ({
  resolution: { height: network.height, width: network.width },
  channels: `${shownChannels(network)}`,
})
