import { z } from 'zod'

/** What prompts mean: stored in a model's config.json. */
export const vocabularySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('class'), classes: z.array(z.string()).min(1) }),
  z.strictObject({
    kind: z.literal('text'),
    /** Known words, most frequent first. */
    words: z.array(z.string()),
    /** Hash buckets for the character trigrams. */
    buckets: z.int().positive(),
    /** Words that are read of a prompt. */
    tokens: z.int().positive(),
    /** Words that name a style, where the pictures come in several. */
    styles: z.array(z.string()).optional(),
    /** Some of the captions, without style: what can be asked for. */
    examples: z.array(z.string()).optional(),
    /** Emoji that are read as their names, in words of this vocabulary. */
    emoji: z.record(z.string(), z.string()).optional(),
  }),
])
export type Vocabulary = z.infer<typeof vocabularySchema>
/** Kinds of prompts. */
export type PromptKind = Vocabulary['kind']
