/** What a model does not take from a prompt, in words for whoever wrote it. */
import { type Tokenizer, wordsOf } from './tokenizer.js'

/** Words that a note names. */
const MOST_WORDS = 8
/** Letters of a word that a note shows. */
const MOST_LETTERS = 40

/**
 * One sentence for each of: words that are not read since the prompt is too long, words that the captions did not have, and
 * prompts without a word. None for prompts that are read as they are, and for models that read no words.
 */
export const promptNotes = (tokenizer: Tokenizer, prompts: readonly string[]): string[] => {
  const { vocabulary, tokens } = tokenizer
  if (vocabulary.kind !== 'text') return []
  const notes: string[] = []
  const each = (of: (prompt: string) => readonly string[]) => [...new Set([...new Set(prompts)].flatMap(of))]
  const ignored = each((prompt) => tokenizer.ignoredWords(prompt))
  if (ignored.length > 0)
    notes.push(
      `the model reads the first ${tokens} words of a prompt, and not ${listed(ignored.map(short), ' ')}`,
    )
  const unknown = each((prompt) => tokenizer.unknownWords(wordsOf(prompt).slice(0, tokens).join(' ')))
  if (unknown.length > 0)
    notes.push(
      `the model has not seen ${listed(
        unknown.map((word) => `"${short(word)}"`),
        ', ',
      )}; it goes by similar spelling`,
    )
  for (const prompt of each((prompt) => (prompt !== '' && wordsOf(prompt).length === 0 ? [prompt] : [])))
    notes.push(`"${short(prompt)}" has no words; it counts as no prompt`)
  return notes
}

const short = (word: string): string => {
  const letters = [...word]
  return letters.length > MOST_LETTERS ? `${letters.slice(0, MOST_LETTERS).join('')}…` : word
}

const listed = (words: readonly string[], between: string): string => {
  const rest = words.length - MOST_WORDS
  return `${words.slice(0, MOST_WORDS).join(between)}${rest > 0 ? ` and ${rest} more` : ''}`
}
