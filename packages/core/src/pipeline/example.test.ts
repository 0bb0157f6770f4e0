import { describe, expect, it } from 'vitest'
import { exampleOf } from './index.js'

describe('what is painted before anyone has asked', () => {
  const text = { kind: 'text', words: ['fluent', 'cat', 'dog'], buckets: 4, tokens: 2 } as const

  it('is what the model names', () => {
    const example = { prompt: 'red apple', seed: 5 }
    expect(exampleOf({ example, vocabulary: { ...text, words: [...text.words] } })).toBe(example)
  })

  it('is else something that the model knows', () => {
    const promptOf = (vocabulary: Parameters<typeof exampleOf>[0]['vocabulary']) => {
      const { prompt, seed } = exampleOf({ vocabulary })
      expect(seed).toBe(0)
      return prompt
    }
    expect(promptOf({ kind: 'none' })).toBe('')
    expect(promptOf({ kind: 'class', classes: ['cat', 'dog'] })).toBe('cat')
    const words = [...text.words]
    expect(promptOf({ ...text, words, examples: ['a dog', 'a cat'] })).toBe('a dog')
    expect(promptOf({ ...text, words, styles: ['fluent'] })).toBe('cat')
    expect(promptOf({ ...text, words: [] })).toBe('')
  })
})
