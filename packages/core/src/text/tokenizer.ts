/**
 * From prompts to bags of vocabulary entries. A word is itself, if the training captions had it, plus its character
 * trigrams hashed into buckets (Bojanowski et al. 2016): so "hearts", "kitty" or a misspelling land near the words
 * they look like, and no prompt is an error.
 */
import type { Vocabulary } from './vocabulary.js'

/** Entry 0 of every vocabulary stands for "no condition": what classifier-free guidance contrasts with. */
const NULL_ENTRY = 0
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
): Extract<Vocabulary, { kind: 'text' }> => {
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

/** Number of vocabulary entries, and of tokens: the network's `condition` options. */
export const conditionShape = (vocabulary: Vocabulary) => {
  if (vocabulary.kind === 'none') return { kind: 'none' } as const
  if (vocabulary.kind === 'class')
    return { kind: 'class', vocabulary: 1 + vocabulary.classes.length, tokens: 1 } as const
  const { words, buckets, tokens } = vocabulary
  return { kind: 'text', vocabulary: 1 + words.length + buckets, tokens } as const
}

/** A bag of entries at one token: pairs of index and weight. */
export interface Bag {
  readonly token: number
  readonly entry: number
  readonly weight: number
}

export class Tokenizer {
  readonly #index: Map<string, number>
  readonly #emoji: Map<string, string> | undefined
  readonly entries: number
  readonly tokens: number

  constructor(readonly vocabulary: Vocabulary) {
    const shape = conditionShape(vocabulary)
    this.entries = shape.kind === 'none' ? 0 : shape.vocabulary
    this.tokens = shape.kind === 'none' ? 0 : shape.tokens
    const names =
      vocabulary.kind === 'none' ? [] : vocabulary.kind === 'class' ? vocabulary.classes : vocabulary.words
    const index = names.map((name, i) => [name, i + 1] as const)
    // Accents may be written in one letter or two. Models of old may have both as classes: each is then itself.
    const composed =
      vocabulary.kind === 'class' ? index.map(([name, i]) => [name.normalize('NFC'), i] as const) : []
    this.#index = new Map([...composed, ...index])
    const emoji = vocabulary.kind === 'text' ? vocabulary.emoji : undefined
    this.#emoji = emoji && new Map(Object.entries(emoji).map(([symbol, name]) => [plain(symbol), name]))
  }

  /** The dropped condition. */
  readonly nothing: readonly Bag[] = [{ token: 0, entry: NULL_ENTRY, weight: 1 }]

  /**
   * A prompt, or the name of a class, in any of Unicode's forms. The empty prompt is the dropped condition.
   *
   * @param isKnown lets training pretend not to know a word, so that its trigrams learn to stand for it.
   * @throws RangeError if a class is not in the vocabulary.
   */
  encode(prompt: string, isKnown: (word: string) => boolean = () => true): readonly Bag[] {
    const { vocabulary } = this
    if (prompt === '' || vocabulary.kind === 'none') return this.nothing
    if (vocabulary.kind === 'class') {
      const entry = this.#entryOfClass(prompt)
      if (entry === undefined)
        throw new RangeError(`unknown class "${prompt}"; this model knows ${vocabulary.classes.join(', ')}`)
      return [{ token: 0, entry, weight: 1 }]
    }
    const bags: Bag[] = []
    for (const [token, word] of this.#wordsOf(prompt).slice(0, this.tokens).entries()) {
      const entry = isKnown(word) ? this.#index.get(word) : undefined
      if (entry !== undefined) bags.push({ token, entry, weight: 1 })
      const trigrams = trigramsOf(word)
      const weight = (entry === undefined ? 1 : TRIGRAM_WEIGHT) / Math.sqrt(trigrams.length)
      for (const trigram of trigrams) {
        const bucket = 1 + vocabulary.words.length + (hash(trigram) % vocabulary.buckets)
        bags.push({ token, entry: bucket, weight })
      }
    }
    return bags.length === 0 ? this.nothing : bags
  }

  /** Whether a class model knows a class, in any of Unicode's forms. Others have no classes to know. */
  knowsClass(name: string): boolean {
    return this.vocabulary.kind === 'class' && this.#entryOfClass(name) !== undefined
  }

  #entryOfClass(name: string): number | undefined {
    return this.#index.get(name) ?? this.#index.get(name.normalize('NFC'))
  }

  /** Words of a prompt beyond those that are read. */
  ignoredWords(prompt: string): string[] {
    return this.vocabulary.kind === 'text' ? this.#wordsOf(prompt).slice(this.tokens) : []
  }

  /** Emoji of a prompt that stand for no words of the vocabulary: a text model reads words alone. */
  unreadSymbols(prompt: string): string[] {
    return this.vocabulary.kind === 'text' ? (this.#named(prompt).match(EMOJI) ?? []) : []
  }

  /** Whether a text model finds nothing to read in a prompt that is not empty. */
  isWordless(prompt: string): boolean {
    return this.vocabulary.kind === 'text' && prompt.trim() !== '' && this.#wordsOf(prompt).length === 0
  }

  /** Words that are read of a prompt, and that the captions did not have. */
  unknownWords(prompt: string): string[] {
    if (this.vocabulary.kind !== 'text') return []
    const read = this.#wordsOf(prompt).slice(0, this.tokens)
    return read.filter((word) => !this.#index.has(word))
  }

  /** The prompt with names in place of emoji. Neither colour (U+FE0F) nor a tone of skin matters. */
  #named(prompt: string): string {
    const emoji = this.#emoji
    if (!emoji) return prompt
    return prompt.replace(EMOJI, (symbol) => {
      const name = emoji.get(plain(symbol))
      return name === undefined ? symbol : ` ${name} `
    })
  }

  #wordsOf(prompt: string): string[] {
    return wordsOf(this.#named(prompt))
  }

  /** Bags of a batch as the network's input [B, tokens, entries]. */
  toDense(
    batch: readonly (readonly Bag[])[],
    out = new Float32Array(batch.length * this.tokens * this.entries),
  ) {
    out.fill(0)
    for (const [b, bags] of batch.entries()) {
      for (const { token, entry, weight } of bags)
        out[(b * this.tokens + token) * this.entries + entry]! += weight
    }
    return out
  }
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
