export { type Bag, type BagShape, isDense, type Reading, toDense } from './bags.js'
export {
  CONDITIONERS,
  type Conditioner,
  type Conditioners,
  conditionerOf,
  type Dropout,
  LEARNS,
  type PromptShape,
  promptInputs,
  type Told,
  takesPrompts,
} from './conditioner.js'
export {
  asNegative,
  negativeName,
  type PromptArray,
  type PromptArrays,
  type PromptInput,
  type PromptInputs,
  promptArrays,
} from './inputs.js'
export { buildTextVocabulary, type TextConditioner, textConditioner, wordsOf } from './text.js'
export { type PromptKind, type Vocabulary, vocabularySchema } from './vocabulary.js'
