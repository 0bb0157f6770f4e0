import { describe, expect, it } from 'vitest'
import { promptNotes, Tokenizer, type Vocabulary } from './index.js'

const tokenizer = new Tokenizer({
  kind: 'text',
  words: ['red', 'heart', 'cat', 'face'],
  buckets: 512,
  tokens: 3,
})

describe('promptNotes', () => {
  it('says nothing of prompts that are read as they are, and of models that read no words', () => {
    expect(promptNotes(tokenizer, ['red heart', '', 'cat'])).toEqual([])
    const others: Vocabulary[] = [{ kind: 'class', classes: ['cat'] }, { kind: 'none' }]
    for (const vocabulary of others) expect(promptNotes(new Tokenizer(vocabulary), ['a dog'])).toEqual([])
  })

  it('names the words that are not read, and those that are unknown where they are read', () => {
    expect(promptNotes(tokenizer, ['red dog face over land', 'red dog'])).toEqual([
      'the model reads the first 3 words of a prompt, and not over land',
      'the model has not seen "dog"; it goes by similar spelling',
    ])
  })

  it('names prompts without a word', () => {
    expect(promptNotes(tokenizer, ['❤️', 'cat'])).toEqual(['"❤️" has no words; it counts as no prompt'])
  })

  it('stays short, whatever the prompt', () => {
    const words = Array.from({ length: 5000 }, (_, i) => `w${i}`)
    const [ignored, unknown] = promptNotes(tokenizer, [['x'.repeat(30_000), ...words].join(' ')])
    expect(ignored).toBe(
      'the model reads the first 3 words of a prompt, and not w2 w3 w4 w5 w6 w7 w8 w9 and 4990 more',
    )
    expect(unknown).toBe(
      `the model has not seen "${'x'.repeat(40)}…", "w0", "w1"; it goes by similar spelling`,
    )
  })
})
