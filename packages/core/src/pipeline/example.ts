/** The example that is painted before the first request. */
import type { ModelConfig } from '../formats/index.js'
import { conditionerOf } from '../text/index.js'

export type Example = NonNullable<ModelConfig['example']>

/** The example that a model names; else something that it knows, with seed 0. */
export const exampleOf = ({ example, vocabulary }: Pick<ModelConfig, 'example' | 'vocabulary'>): Example =>
  example ?? { prompt: conditionerOf(vocabulary).example, seed: 0 }
