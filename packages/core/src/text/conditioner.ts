/**
 * One record for each kind of prompt: what it makes of a prompt, which inputs of the network carry that, what training
 * feeds, and what it does not read. Nothing else asks a vocabulary for its kind, but to choose words or a widget for people.
 */
import type { Random } from '../random/index.js'
import type { Reading } from './bags.js'
import type { PromptArrays } from './inputs.js'

/** The shape of prompts in a network's config, under `embedding.condition`. */
export type PromptShape =
  | { readonly kind: 'none' }
  | { readonly kind: 'class'; readonly vocabulary_size: number; readonly tokens: 1 }
  | { readonly kind: 'text'; readonly vocabulary_size: number; readonly tokens: number }

/** What a training picture comes with. */
export interface Told {
  readonly caption?: string | undefined
  readonly style?: string | undefined
  readonly class?: string | undefined
}

/** Shares of prompts and words that training leaves out, in [0, 1]. */
export interface Dropout {
  /** Share of the prompts that are dropped, for classifier-free guidance. */
  readonly condition_dropout: number
  /** Share of a caption's words that are left out, and share of those that are read by their spelling alone. */
  readonly word_dropout: number
}

export interface Conditioner {
  /** The network's side: `promptInputs` are its inputs. Negative prompts have the same ones; see `negativeName`. */
  readonly shape: PromptShape
  /**
   * A prompt as the model reads it. The empty one is what training drops prompts to, and what guidance leads away from unless
   * there is a negative prompt.
   *
   * @throws RangeError if the model cannot take it; see `refusal`.
   */
  read(prompt: string): Reading
  /** The inputs' values for a batch. Writes over `arrays`, if given. */
  encode(readings: readonly Reading[], arrays?: PromptArrays): PromptArrays
  /** A reading that lies between two, `weight` in [0, 1] of the way to `b`. */
  between(a: Reading, b: Reading, weight: number): Reading
  /** Why the model cannot take a prompt; undefined if it can. */
  refusal(prompt: string): string | undefined
  /** What the model does not read of prompts, in sentences for people. */
  warnings(prompts: readonly string[]): string[]
  /** Its classes, if a prompt is the name of one. */
  readonly classes?: readonly string[]
  /** Words that name a style, if the pictures come in several. */
  readonly styles: readonly string[]
  /** Prompts that it knows well, at least one: captions, words or classes; '' if it takes no prompts. */
  readonly known: readonly string[]
  /** The example that is painted before the first request. */
  readonly example: string
  /** What training shows of a picture's prompt. */
  trainingPrompt(picture: Told, random: Random, dropout: Dropout): Reading
  /** A negative prompt for training, such as people write. */
  trainingNegative(picture: Told, random: Random, dropout: Dropout): Reading
}

export interface TextConditioner extends Conditioner {
  /** @param isKnown lets training pretend not to know a word, so that its trigrams learn to stand for it. */
  read(prompt: string, isKnown?: (word: string) => boolean): Reading
  /** Words of a prompt beyond its token limit, which are not read. */
  ignoredWords(prompt: string): string[]
  /** Words of a prompt that are read, but that the captions did not have. */
  unknownWords(prompt: string): string[]
  /** Emoji of a prompt that stand for no words of the vocabulary. */
  unreadSymbols(prompt: string): string[]
  /** Whether there is nothing to read in a prompt that is not empty. */
  isWordless(prompt: string): boolean
}
