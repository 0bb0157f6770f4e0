/** Warnings about the parts of a prompt that a text model cannot use, in sentences. */
import type { TextConditioner } from './conditioner.js'

/** Longest word that is quoted whole, and most words that are quoted. */
const LONGEST = 30
const MOST = 8

const quoted = (words: Iterable<string>): string => {
  const all = [...words]
  const shown = all.slice(0, MOST).map((word) => {
    const letters = [...word]
    return letters.length > LONGEST ? `"${letters.slice(0, LONGEST).join('')}…"` : `"${word}"`
  })
  return all.length > MOST ? `${shown.join(', ')} and ${all.length - MOST} more` : shown.join(', ')
}

/** Notes on prompts, one sentence each; empty where every word of every prompt is known. */
export const wordWarnings = (
  conditioner: TextConditioner,
  tokens: number,
  prompts: readonly string[],
): string[] => {
  const different = [...new Set(prompts)]
  const found = (of: (prompt: string) => readonly string[]) => new Set(different.flatMap(of))
  const ignored = found((prompt) => conditioner.ignoredWords(prompt))
  const unknown = found((prompt) => conditioner.unknownWords(prompt))
  const wordless = different.filter((prompt) => conditioner.isWordless(prompt))
  const symbols = found((prompt) => (wordless.includes(prompt) ? [] : conditioner.unreadSymbols(prompt)))
  const notes: string[] = []
  if (wordless.length > 0)
    notes.push(`the model finds no word in ${quoted(wordless)}; it paints as without a prompt`)
  if (symbols.size > 0) notes.push(`the model reads words, and not ${quoted(symbols)}`)
  if (ignored.size > 0)
    notes.push(`the model reads the first ${tokens} words of a prompt, and not ${quoted(ignored)}`)
  if (unknown.size > 0) notes.push(`the model has not seen ${quoted(unknown)}; it goes by similar spelling`)
  return notes
}
