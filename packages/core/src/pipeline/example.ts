/** What is painted before anyone has asked. */
import type { ModelConfig } from '../formats/index.js'
import type { Vocabulary } from '../text/index.js'

export type Example = NonNullable<ModelConfig['example']>

/** The example that a model names; else something that it knows, with seed 0. */
export const exampleOf = ({ example, vocabulary }: Pick<ModelConfig, 'example' | 'vocabulary'>): Example =>
  example ?? { prompt: knownPrompt(vocabulary), seed: 0 }

const knownPrompt = (vocabulary: Vocabulary): string => {
  switch (vocabulary.kind) {
    case 'none':
      return ''
    case 'class':
      return vocabulary.classes[0]!
    case 'text': {
      const { examples = [], words, styles = [] } = vocabulary
      // Where no caption is short enough to be an example: the most frequent word that names no style.
      return examples[0] ?? words.find((word) => !styles.includes(word)) ?? ''
    }
    default:
      return vocabulary satisfies never
  }
}
