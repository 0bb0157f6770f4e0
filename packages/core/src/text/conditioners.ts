/** The conditioner of each kind of vocabulary, and what is asked of kinds. */
import { bagInputs } from './bags.js'
import { classConditioner } from './class.js'
import type { Conditioner, PromptShape } from './conditioner.js'
import type { PromptInputs } from './inputs.js'
import { noneConditioner } from './none.js'
import { textConditioner } from './text.js'
import type { PromptKind, Vocabulary } from './vocabulary.js'

/** A maker for each kind of vocabulary. A kind without one does not compile. */
export type Conditioners<V extends { readonly kind: string }> = {
  readonly [K in V['kind']]: (vocabulary: Extract<V, { readonly kind: K }>) => Conditioner
}

export const CONDITIONERS: Conditioners<Vocabulary> = {
  none: noneConditioner,
  class: classConditioner,
  text: textConditioner,
}

/** What each kind learns of pictures. */
export const LEARNS: Readonly<Record<PromptKind, 'nothing' | 'classes' | 'captions'>> = {
  none: 'nothing',
  class: 'classes',
  text: 'captions',
}

/** Whether a model with such a vocabulary can be asked for anything. */
export const takesPrompts = ({ kind }: Pick<Vocabulary, 'kind'>): boolean => LEARNS[kind] !== 'nothing'

export const conditionerOf = <V extends Vocabulary>(vocabulary: V): Conditioner => {
  const make = CONDITIONERS[vocabulary.kind] as (vocabulary: V) => Conditioner
  return make(vocabulary)
}

/** The inputs that carry a batch of prompts to a network, as its config describes them. */
export const promptInputs = (shape: PromptShape, batch: number): PromptInputs => {
  switch (shape.kind) {
    case 'none':
      return {}
    case 'class':
    case 'text':
      return bagInputs(shape, batch)
    default:
      return shape satisfies never
  }
}
