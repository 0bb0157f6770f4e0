/** Models without prompts. */
import { NOTHING } from './bags.js'
import type { Conditioner } from './conditioner.js'
import type { Vocabulary } from './vocabulary.js'

export const noneConditioner = (_: Extract<Vocabulary, { kind: 'none' }>): Conditioner => ({
  shape: { kind: 'none' },
  read: () => NOTHING,
  encode: () => ({}),
  between: (a) => a,
  refusal: (prompt) => (prompt === '' ? undefined : 'this model was trained without prompts or classes'),
  warnings: () => [],
  styles: [],
  known: [''],
  example: '',
  trainingPrompt: () => NOTHING,
  trainingNegative: () => NOTHING,
})
