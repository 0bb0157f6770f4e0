export {
  type Bag,
  buildTextVocabulary,
  conditionShape,
  Tokenizer,
  type Vocabulary,
  vocabularySchema,
  wordsOf,
} from './tokenizer.js'
