/** Checks pictures against a model that has its vocabulary already. */
import { shapeOf, shownChannels } from '@onestroke/core/pipeline'
import { conditionerOf, LEARNS, type Vocabulary } from '@onestroke/core/text'
import type { Dataset } from '../data/index.js'
import { checkFit } from '../evaluation/index.js'
import type { LoadedModel } from '../model/index.js'
import type { DataFlags } from './data-options.js'
import { UsageError } from './usage-error.js'

/**
 * The model's vocabulary.
 *
 * @param who what errors call the model.
 * @throws UserError if the pictures are not of its size, or do not have what it is conditioned on.
 */
export const sharedVocabulary = (model: LoadedModel, who: string, dataset: Dataset): Vocabulary => {
  checkFit(model, dataset)
  const { vocabulary } = model.config
  const { names, classes, name } = dataset
  const lacks = (what: string) => new UsageError(`${who} is conditioned on ${what}, but ${name} has none`)
  const learns = LEARNS[vocabulary.kind]
  switch (learns) {
    case 'nothing':
      return vocabulary
    case 'captions':
      if (!names) throw lacks('prompts')
      return vocabulary
    case 'classes': {
      if (!classes) throw lacks('classes')
      const conditioner = conditionerOf(vocabulary)
      const unknown = classes.find((one) => one === '' || conditioner.refusal(one) !== undefined)
      if (unknown !== undefined)
        throw new UsageError(`${who} does not know the class "${unknown}" of ${name}`)
      return vocabulary
    }
    default:
      return learns satisfies never
  }
}

/** Default flags for data: the size and channels of the model's pictures. */
export const flagsFor = ({ config }: LoadedModel): Required<Pick<DataFlags, 'resolution' | 'channels'>> => {
  const { height, width, channels } = shapeOf(config)
  return { resolution: { height, width }, channels: `${shownChannels({ channels })}` }
}
