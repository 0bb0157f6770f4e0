/** Models that are asked for one of their classes, by its name. */
import { betweenBags, encodeBags, NOTHING } from './bags.js'
import type { Conditioner } from './conditioner.js'
import type { Vocabulary } from './vocabulary.js'

export const classConditioner = ({ classes }: Extract<Vocabulary, { kind: 'class' }>): Conditioner => {
  const shape = { kind: 'class', vocabulary_size: 1 + classes.length, tokens: 1 } as const
  const exact = classes.map((name, i) => [name, i + 1] as const)
  // Accents may be written as one character or two. Old models may have both forms as separate classes.
  const composed = exact.map(([name, entry]) => [name.normalize('NFC'), entry] as const)
  const entries = new Map([...composed, ...exact])
  const entryOf = (name: string) => entries.get(name) ?? entries.get(name.normalize('NFC'))
  const refusal = (prompt: string) =>
    prompt === '' || entryOf(prompt) !== undefined
      ? undefined
      : `unknown class "${prompt}"; this model knows ${classes.join(', ')}`
  const conditioner: Conditioner = {
    shape,
    read(prompt) {
      const why = refusal(prompt)
      if (why !== undefined) throw new RangeError(why)
      return prompt === '' ? NOTHING : [{ token: 0, entry: entryOf(prompt)!, weight: 1 }]
    },
    encode: (readings, arrays) => encodeBags(shape, readings, arrays),
    between: betweenBags,
    refusal,
    warnings: () => [],
    classes,
    styles: [],
    known: classes,
    example: classes[0]!,
    trainingPrompt: (picture, random, { condition_dropout }) =>
      random.uniform() < condition_dropout ? NOTHING : conditioner.read(picture.class!),
    trainingNegative: (picture, random, dropout) => conditioner.trainingPrompt(picture, random, dropout),
  }
  return conditioner
}
