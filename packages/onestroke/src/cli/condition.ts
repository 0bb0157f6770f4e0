/** Pictures for a model that has its vocabulary already. */
import { Tokenizer, type Vocabulary } from '@onestroke/core/text'
import type { Dataset } from '../data/index.js'
import { checkFit } from '../evaluation/index.js'
import type { LoadedModel } from '../model/index.js'
import { UsageError } from './usage-error.js'

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
    throw new UsageError(
      `${who} is conditioned on ${kind === 'text' ? 'prompts' : 'classes'}, but ${name} has none`,
    )
  const tokenizer = new Tokenizer(vocabulary)
  const unknown = kind === 'class' && classes!.find((one) => !tokenizer.knowsClass(one))
  if (typeof unknown === 'string')
    throw new UsageError(`${who} does not know the class "${unknown}" of ${name}`)
  return vocabulary
}

/** Flags for data of the pictures' size that the model paints, unless they say otherwise. */
export const sizeOf = ({
  config: { network },
}: LoadedModel): { resolution: number; channels: '1' | '3' } => ({
  resolution: network.resolution,
  channels: network.channels === 1 ? '1' : '3',
})
