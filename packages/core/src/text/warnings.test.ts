import { describe, expect, it } from 'vitest'
import { buildTextVocabulary, conditionerOf, type Vocabulary } from './index.js'

const conditioner = conditionerOf(buildTextVocabulary(['cat face', 'red heart'], [], { tokens: 3 }))
const notes = (...prompts: string[]) => conditioner.warnings(prompts)

describe('notes on prompts', () => {
  it('are none where every word is known, or nothing is asked for', () => {
    expect(notes('cat face', 'Red HEART!', '', ' ')).toEqual([])
    for (const vocabulary of [{ kind: 'none' }, { kind: 'class', classes: ['cat'] }] satisfies Vocabulary[])
      expect(conditionerOf(vocabulary).warnings(['🐱', 'cat dog'])).toEqual([])
  })

  it('tell of words that the captions did not have, each once, and of those that are not read', () => {
    expect(notes('kitten face', 'kitten')).toEqual([
      'the model has not seen "kitten"; it goes by similar spelling',
    ])
    expect(notes('cat face red heart')).toEqual([
      'the model reads the first 3 words of a prompt, and not "heart"',
    ])
  })

  it.each(['🐱', '❤️', '👍🏽', '👩‍🚀', '🇩🇪', '!?'])('tell that %s is no word', (symbol) => {
    expect(notes(symbol)).toEqual([`the model finds no word in "${symbol}"; it paints as without a prompt`])
  })

  it('tell of emoji beside words, each as one', () => {
    expect(notes('🐱', 'cat 🧯')).toEqual([
      'the model finds no word in "🐱"; it paints as without a prompt',
      'the model reads words, and not "🧯"',
    ])
    expect(notes('cat 👩‍🚀❤️ face')).toEqual(['the model reads words, and not "👩‍🚀", "❤️"'])
  })

  it('are none for emoji whose names are known, which are read as these', () => {
    const emoji = { '🐱': 'cat face', '❤️': 'red heart', '🐢': 'turtle', '👍': 'cat' }
    const vocabulary = buildTextVocabulary(['cat face', 'red heart'], [], { emoji })
    expect(vocabulary.emoji).toEqual({ '🐱': 'cat face', '❤️': 'red heart', '👍': 'cat' })
    const reader = conditionerOf(vocabulary)
    expect(reader.warnings(['🐱', '❤', '❤️🐱'])).toEqual([])
    expect(reader.read('🐱')).toEqual(reader.read('cat face'))
    expect(reader.read('❤')).toEqual(reader.read('red heart'))
    expect(reader.read('👍🏽')).toEqual(reader.read('cat'))
    expect(reader.read('big❤️🐱')).toEqual(reader.read('big red heart cat face'))
    expect(reader.warnings(['cat 🐢'])).toEqual(['the model reads words, and not "🐢"'])
  })

  it('stay short, whatever is typed', () => {
    const [note] = notes('a'.repeat(9000))
    expect(note).toBe(`the model has not seen "${'a'.repeat(30)}…"; it goes by similar spelling`)
    const many = notes(Array.from({ length: 500 }, (_, i) => `word${i}`).join(' '))
    expect(many.every(({ length }) => length < 300)).toBe(true)
    expect(many[0]).toContain('and 489 more')
    expect(many[1]).toBe('the model has not seen "word0", "word1", "word2"; it goes by similar spelling')
  })
})
