export { promptNotes } from './notes.js'
export {
  type Bag,
  buildTextVocabulary,
  conditionShape,
  Tokenizer,
  wordsOf,
} from './tokenizer.js'
export { type Vocabulary, vocabularySchema } from './vocabulary.js'
