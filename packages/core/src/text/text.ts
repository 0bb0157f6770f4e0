/**
 * Models that are asked in words. A word is itself, if the training captions had it, plus its character trigrams hashed
 * into buckets (Bojanowski et al. 2016): so "hearts", "kitty" or a misspelling land near the words they look like, and no
 * prompt is an error.
 */
import type { Random } from '../random/index.js'
import { type Bag, betweenBags, encodeBags, NOTHING } from './bags.js'
import type { TextConditioner, Told } from './conditioner.js'
import type { Vocabulary } from './vocabulary.js'
import { wordWarnings } from './warnings.js'

type TextVocabulary = Extract<Vocabulary, { kind: 'text' }>

const TRIGRAM_WEIGHT = 0.5

/** A pictograph with what modifies it, or two letters of a flag. */
const EMOJI =
  /\p{Extended_Pictographic}(?:\p{EMod}|\uFE0F|\u200D\p{Extended_Pictographic})*|\p{Regional_Indicator}{2}/gu

/** Lower-case words of letters and digits, accents removed. Vowel signs that belong to a script stay: कमल is not कमला. */
export const wordsOf = (prompt: string): string[] =>
  prompt
    .normalize('NFKD')
    .replace(/(?=\p{M})\p{Script=Inherited}/gu, '')
    .toLowerCase()
    .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []

/**
 * A text vocabulary from captions and, picture by picture, styles: the `limit` most frequent words (ties in
 * alphabetical order), and a few captions as examples.
 *
 * @param emoji names of emoji; those are kept of which every word is known
 */
export const buildTextVocabulary = (
  captions: readonly string[],
  styles: readonly string[] = [],
  {
    limit = 4096,
    buckets = 1024,
    tokens = 8,
    examples = 60,
    emoji = {},
  }: {
    limit?: number
    buckets?: number
    tokens?: number
    examples?: number
    emoji?: Readonly<Record<string, string>>
  } = {},
): TextVocabulary => {
  const counts = new Map<string, number>()
  for (const caption of [...captions, ...styles])
    for (const word of wordsOf(caption)) counts.set(word, (counts.get(word) ?? 0) + 1)
  const words = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([word]) => word)
  const different = [...new Set(captions)].filter(({ length }) => length > 0 && length <= 40).sort()
  const count = Math.min(examples, different.length)
  const known = new Set(words.slice(0, limit))
  const readable = Object.entries(emoji).filter(([, name]) => wordsOf(name).every((word) => known.has(word)))
  return {
    kind: 'text',
    words: words.slice(0, limit),
    buckets,
    tokens,
    ...(styles.length > 0 && { styles: [...new Set(styles)].sort() }),
    examples: Array.from({ length: count }, (_, i) => different[Math.floor((i * different.length) / count)]!),
    ...(readable.length > 0 && { emoji: Object.fromEntries(readable) }),
  }
}

export const textConditioner = (vocabulary: TextVocabulary): TextConditioner => {
  const { words, buckets, tokens, examples = [], styles = [] } = vocabulary
  const shape = { kind: 'text', vocabulary_size: 1 + words.length + buckets, tokens } as const
  let known: ReadonlyMap<string, number> | undefined
  /** The entry of a word that the captions had. Its index is made when the first word is looked up: many only ask for a style. */
  const entryOf = (word: string): number | undefined => {
    known ??= new Map(words.map((word, i) => [word, i + 1]))
    return known.get(word)
  }
  const names = new Map(
    Object.entries(vocabulary.emoji ?? {}).map(([symbol, name]) => [plain(symbol), name] as const),
  )
  /** The prompt with names in place of emoji. Neither colour (U+FE0F) nor a tone of skin matters. */
  const named = (prompt: string): string => {
    if (names.size === 0) return prompt
    return prompt.replace(EMOJI, (symbol) => {
      const name = names.get(plain(symbol))
      return name === undefined ? symbol : ` ${name} `
    })
  }
  const allWords = (prompt: string) => wordsOf(named(prompt))
  const conditioner: TextConditioner = {
    shape,
    read(prompt, isKnown = () => true) {
      const bags: Bag[] = []
      for (const [token, word] of allWords(prompt).slice(0, tokens).entries()) {
        const entry = isKnown(word) ? entryOf(word) : undefined
        if (entry !== undefined) bags.push({ token, entry, weight: 1 })
        const trigrams = trigramsOf(word)
        const weight = (entry === undefined ? 1 : TRIGRAM_WEIGHT) / Math.sqrt(trigrams.length)
        for (const trigram of trigrams)
          bags.push({ token, entry: 1 + words.length + (hash(trigram) % buckets), weight })
      }
      return bags.length === 0 ? NOTHING : bags
    },
    encode: (readings, arrays) => encodeBags(shape, readings, arrays),
    between: betweenBags,
    refusal: () => undefined,
    warnings: (prompts) => wordWarnings(conditioner, tokens, prompts),
    ignoredWords: (prompt) => allWords(prompt).slice(tokens),
    unknownWords: (prompt) =>
      allWords(prompt)
        .slice(0, tokens)
        .filter((word) => entryOf(word) === undefined),
    unreadSymbols: (prompt) => named(prompt).match(EMOJI) ?? [],
    isWordless: (prompt) => prompt.trim() !== '' && allWords(prompt).length === 0,
    styles,
    known: words.length > 0 ? words : [''],
    // If no caption is short enough to be an example, the most frequent word that is not a style.
    example: examples[0] ?? words.find((word) => !styles.includes(word)) ?? '',
    trainingPrompt(picture, random, { condition_dropout, word_dropout }) {
      if (random.uniform() < condition_dropout) return NOTHING
      const said = captionWords(picture, random)
      const kept = said.filter(() => random.uniform() >= word_dropout)
      return conditioner.read(
        (kept.length > 0 ? kept : said).join(' '),
        () => random.uniform() >= word_dropout,
      )
    },
    trainingNegative(picture, random, dropout) {
      if (random.uniform() < 0.5) return conditioner.trainingPrompt(picture, random, dropout)
      const said = captionWords(picture, random)
      return conditioner.read(said[random.integer(said.length)]!)
    },
  }
  return conditioner
}

/** A picture's caption. It may name a style or leave it open: both are learned, equally often. */
const captionWords = ({ caption, style }: Told, random: Random): string[] => {
  const words = caption!.split(' ')
  if (style !== undefined && random.uniform() < 0.5) words.push(style)
  return words
}

/** Without colour and tone of skin. */
const plain = (symbol: string): string => symbol.replace(/\uFE0F|\p{EMod}/gu, '')

const trigramsOf = (word: string): string[] => {
  const letters = [...`<${word}>`]
  return Array.from({ length: letters.length - 2 }, (_, i) => letters.slice(i, i + 3).join(''))
}

/** FNV-1a. */
const hash = (text: string): number => {
  let h = 0x811c9dc5
  for (const letter of text) h = Math.imul(h ^ letter.codePointAt(0)!, 0x01000193)
  return h >>> 0
}
