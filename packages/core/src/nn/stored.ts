/** How files hold a network: the size of its pictures in one key, `resolution`, and the size of its vocabulary as `vocabulary`. */
import { type PictureSize, type StoredSize, sized, storedSize } from '../picture/index.js'
import type { PromptShape } from '../text/index.js'

/** The prompts that a network takes, in a file. */
export type StoredPromptShape =
  | { readonly kind: 'none' }
  | { readonly kind: 'class'; readonly vocabulary: number; readonly tokens: 1 }
  | { readonly kind: 'text'; readonly vocabulary: number; readonly tokens: number }

/** What every network's config has. */
interface Stored {
  readonly resolution: StoredSize
  readonly channels: number
  readonly patch_size: number
  /** In memory these are the picture's. */
  readonly height?: never
  readonly width?: never
  readonly embedding: { readonly condition: StoredPromptShape }
}
interface InMemory extends PictureSize {
  readonly embedding: { readonly condition: PromptShape }
}

/** What `fromStored` makes of a config. */
export type FromStored<Config extends Stored> = Omit<Config, 'resolution' | 'embedding'> &
  PictureSize & {
    readonly embedding: Omit<Config['embedding'], 'condition'> & { readonly condition: PromptShape }
  }

/** A network's config in memory, of what a file holds. */
export const fromStored = <Config extends Stored>({
  resolution,
  embedding,
  ...rest
}: Config): FromStored<Config> =>
  ({
    ...rest,
    ...sized({ resolution }),
    embedding: { ...embedding, condition: promptShapeOf(embedding.condition) },
  }) as FromStored<Config>

/** The inverse of `fromStored`. */
export const toStored = <Config extends InMemory>({ height, width, embedding, ...rest }: Config) => ({
  ...rest,
  resolution: storedSize({ height, width }),
  embedding: { ...embedding, condition: storedPromptShape(embedding.condition) },
})

const promptShapeOf = (stored: StoredPromptShape): PromptShape => {
  switch (stored.kind) {
    case 'none':
      return stored
    case 'class':
      return { kind: stored.kind, vocabulary_size: stored.vocabulary, tokens: stored.tokens }
    case 'text':
      return { kind: stored.kind, vocabulary_size: stored.vocabulary, tokens: stored.tokens }
    default:
      return stored satisfies never
  }
}

/** The inverse of `promptShapeOf`. */
export const storedPromptShape = (shape: PromptShape): StoredPromptShape => {
  switch (shape.kind) {
    case 'none':
      return shape
    case 'class':
      return { kind: shape.kind, vocabulary: shape.vocabulary_size, tokens: shape.tokens }
    case 'text':
      return { kind: shape.kind, vocabulary: shape.vocabulary_size, tokens: shape.tokens }
    default:
      return shape satisfies never
  }
}
