export { type Bag, type BagShape, isDense, type Reading, toDense } from './bags.js'
export type { Conditioner, Dropout, PromptShape, TextConditioner, Told } from './conditioner.js'
export {
  CONDITIONERS,
  type Conditioners,
  conditionerOf,
  LEARNS,
  promptInputs,
  takesPrompts,
} from './conditioners.js'
export {
  asNegative,
  negativeName,
  type PromptArray,
  type PromptArrays,
  type PromptInput,
  type PromptInputs,
  promptArrays,
} from './inputs.js'
export { buildTextVocabulary, textConditioner, wordsOf } from './text.js'
export { type PromptKind, type Vocabulary, vocabularySchema } from './vocabulary.js'
