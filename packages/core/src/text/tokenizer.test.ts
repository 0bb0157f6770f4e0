import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Bag,
  buildTextVocabulary,
  conditionShape,
  Tokenizer,
  type Vocabulary,
  vocabularySchema,
  wordsOf,
} from './index.js'

const text: Vocabulary = { kind: 'text', words: ['red', 'heart', 'cat', 'face'], buckets: 512, tokens: 4 }
const tokenizer = new Tokenizer(text)

/** Any string: scripts, emoji, control characters, and halves of surrogate pairs. */
const anyString = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.nat(0xffff), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
)
const someVocabulary = fc
  .record({
    captions: fc.array(anyString, { maxLength: 5 }),
    limit: fc.nat(6),
    buckets: fc.integer({ min: 1, max: 64 }),
    tokens: fc.integer({ min: 1, max: 6 }),
  })
  .map(({ captions, ...options }) => buildTextVocabulary(captions, [], options))

/** Cosine of the angle between what two prompts become. */
const similarity = (a: string, b: string) => {
  const [x, y] = [a, b].map((prompt) => tokenizer.toDense([tokenizer.encode(prompt)]))
  const dot = (u: Float32Array, v: Float32Array) => u.reduce((sum, value, i) => sum + value * v[i]!, 0)
  return dot(x!, y!) / Math.sqrt(dot(x!, x!) * dot(y!, y!))
}
const entriesAt = (bags: readonly Bag[], token: number) => bags.filter((bag) => bag.token === token)

describe('wordsOf', () => {
  it.each([
    ['Red  heart', ['red', 'heart']],
    ['Crème brûlée, x2!', ['creme', 'brulee', 'x2']],
    ['smiling-face_with\tsunglasses', ['smiling', 'face', 'with', 'sunglasses']],
    ['ﬁre ＡＢＣ ①', ['fire', 'abc', '1']],
    ['Привет, 世界', ['привет', '世界']],
    ['किताब कीताब', ['किताब', 'कीताब']],
    ['ปลา ปู่', ['ปลา', 'ปู่']],
    ['كِتَاب', ['كتاب']],
    ['❤️ !? — …', []],
    ['', []],
  ])('%j', (prompt, words) => {
    expect(wordsOf(prompt)).toEqual(words)
  })

  it('finds in its words those words', () => {
    fc.assert(
      fc.property(anyString, (prompt) => {
        const words = wordsOf(prompt)
        expect(wordsOf(words.join(' '))).toEqual(words)
      }),
      { numRuns: 500 },
    )
  })
})

describe('buildTextVocabulary', () => {
  it('lists the most frequent words first, and those of equal frequency in alphabetical order', () => {
    const captions = ['red heart', 'blue heart', 'Heart on fire', 'red balloon', 'zebra', 'apple']
    expect(buildTextVocabulary(captions).words).toEqual([
      'heart',
      'red',
      'apple',
      'balloon',
      'blue',
      'fire',
      'on',
      'zebra',
    ])
    expect(buildTextVocabulary(captions, [], { limit: 3 }).words).toEqual(['heart', 'red', 'apple'])
  })

  it('depends on the captions, not on their order, and is what a model may be stored with', () => {
    fc.assert(
      fc.property(
        fc.array(anyString, { maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        (captions, tokens) => {
          const vocabulary = buildTextVocabulary(captions, [], { tokens })
          expect(buildTextVocabulary(captions.toReversed(), [], { tokens })).toEqual(vocabulary)
          expect(vocabularySchema.parse(JSON.parse(JSON.stringify(vocabulary)))).toEqual(vocabulary)
          expect(new Set(vocabulary.words).size).toBe(vocabulary.words.length)
        },
      ),
    )
  })
})

describe('a tokenizer of text', () => {
  it('takes any string: its entries are in range, and no word is louder than another', () => {
    fc.assert(
      fc.property(someVocabulary, anyString, (vocabulary, prompt) => {
        const tokenizer = new Tokenizer(vocabulary)
        const bags = tokenizer.encode(prompt)
        for (const { token, entry, weight } of bags) {
          expect(token).toBeGreaterThanOrEqual(0)
          expect(token).toBeLessThan(vocabulary.tokens)
          expect(entry).toBeGreaterThanOrEqual(0)
          expect(entry).toBeLessThan(tokenizer.entries)
          expect(Number.isInteger(entry)).toBe(true)
          expect(weight).toBeGreaterThan(0)
          expect(weight).toBeLessThanOrEqual(1)
        }
        const words = wordsOf(prompt).slice(0, vocabulary.tokens)
        expect(bags === tokenizer.nothing).toBe(words.length === 0)
        for (const [token, word] of words.entries()) {
          const energy = entriesAt(bags, token).reduce((sum, { weight }) => sum + weight ** 2, 0)
          expect(energy).toBeCloseTo(vocabulary.words.includes(word) ? 1 + 0.5 ** 2 : 1, 10)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('gives a known word its own entry, and every word those of its trigrams', () => {
    const bags = tokenizer.encode('cat red')
    expect(bags[0]).toEqual({ token: 0, entry: 3, weight: 1 })
    expect(entriesAt(bags, 1)[0]).toEqual({ token: 1, entry: 1, weight: 1 })
    // <ca, cat, at>
    const trigrams = entriesAt(bags, 0).slice(1)
    expect(trigrams.map(({ weight }) => weight)).toEqual(Array(3).fill(0.5 / Math.sqrt(3)))
    for (const { entry } of trigrams) expect(entry).toBeGreaterThan(text.words.length)
    expect(new Set(trigrams.map(({ entry }) => entry)).size).toBe(3)
  })

  it('counts letters, not their UTF-16 halves', () => {
    // <𠮷>, and <𐐨𐐨, 𐐨𐐨>
    expect(tokenizer.encode('𠮷').length).toBe(1)
    expect(tokenizer.encode('𐐀𐐀').length).toBe(2)
  })

  it('gives an unknown word its trigrams alone, with full weight', () => {
    const known = entriesAt(tokenizer.encode('cat'), 0).slice(1)
    const pretended = tokenizer.encode('cat red', (word) => word !== 'cat')
    expect(entriesAt(pretended, 0)).toEqual(known.map((bag) => ({ ...bag, weight: 2 * bag.weight })))
    expect(entriesAt(pretended, 1)).toEqual(entriesAt(tokenizer.encode('cat red'), 1))
    expect(tokenizer.encode('dog').every(({ entry }) => entry > text.words.length)).toBe(true)
  })

  it('says which words are unknown', () => {
    expect(tokenizer.unknownWords('Red dog, CAT, Käse')).toEqual(['dog', 'kase'])
    expect(tokenizer.unknownWords('constructor __proto__ toString')).toEqual([
      'constructor',
      'proto',
      'tostring',
    ])
  })

  it('puts words near those that look like them', () => {
    for (const [word, like] of [
      ['hearts', 'heart'],
      ['kitty', 'kitties'],
      ['baloon', 'balloon'],
    ] as const) {
      expect(similarity(word, like)).toBeGreaterThan(0.3)
      expect(similarity(word, 'zebra')).toBeLessThan(0.1)
    }
    expect(similarity('RED Heart', 'réd heart')).toBeCloseTo(1, 6)
    expect(similarity('red heart', 'heart red')).toBeLessThan(0.1)
  })

  it('reads as many words as there are tokens', () => {
    expect(tokenizer.encode('red heart cat face red')).toEqual(tokenizer.encode('red heart cat face'))
    expect(tokenizer.encode('red heart cat face').at(-1)!.token).toBe(3)
  })

  it('takes a prompt without words for no prompt', () => {
    for (const prompt of ['', ' ', '!?', '❤️']) expect(tokenizer.encode(prompt)).toBe(tokenizer.nothing)
    expect(tokenizer.nothing).toEqual([{ token: 0, entry: 0, weight: 1 }])
  })

  it('keeps the buckets that models were trained with', () => {
    // FNV-1a of <ca, cat and at>, computed in Python.
    const hashes = [1066916747, 108289031, 3848351106]
    const entries = tokenizer.encode('cat').map(({ entry }) => entry)
    expect(entries).toEqual([3, ...hashes.map((hash) => 1 + 4 + (hash % 512))])
  })
})

describe('toDense', () => {
  it('adds up the weights at [picture, token, entry]', () => {
    const batch = [
      [
        { token: 1, entry: 2, weight: 0.5 },
        { token: 1, entry: 2, weight: 0.25 },
      ],
      tokenizer.nothing,
    ]
    const dense = tokenizer.toDense(batch)
    const { entries, tokens } = tokenizer
    expect(dense.length).toBe(2 * tokens * entries)
    expect([...dense.entries()].filter(([, value]) => value !== 0)).toEqual([
      [entries + 2, 0.75],
      [tokens * entries, 1],
    ])
  })

  it('forgets what was in the array', () => {
    const out = tokenizer.toDense([tokenizer.encode('red heart cat face')])
    expect(tokenizer.toDense([tokenizer.nothing], out)).toBe(out)
    expect(out).toEqual(tokenizer.toDense([tokenizer.nothing]))
  })
})

describe('a tokenizer of classes', () => {
  it('finds a class however its accents are written', () => {
    const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301']
    for (const name of [composed, decomposed]) {
      const one = new Tokenizer({ kind: 'class', classes: ['tea', name] })
      for (const asked of [composed, decomposed])
        expect(one.encode(asked)).toEqual([{ token: 0, entry: 2, weight: 1 }])
    }
    const both = new Tokenizer({ kind: 'class', classes: [decomposed, composed] })
    expect([decomposed, composed].map((asked) => both.encode(asked)[0]!.entry)).toEqual([1, 2])
  })

  const classes = new Tokenizer({ kind: 'class', classes: ['cat', 'dog', 'constructor'] })

  it('gives each its entry, by its exact name', () => {
    expect(classes.encode('cat')).toEqual([{ token: 0, entry: 1, weight: 1 }])
    expect(classes.encode('constructor')).toEqual([{ token: 0, entry: 3, weight: 1 }])
    expect(classes.encode('')).toBe(classes.nothing)
    expect(classes.unknownWords('bird')).toEqual([])
  })

  it('refuses others, and names those it knows', () => {
    const refusal = (name: string) => `unknown class "${name}"; this model knows cat, dog, constructor`
    for (const name of ['bird', 'Cat', 'toString'])
      expect(() => classes.encode(name)).toThrow(new RangeError(refusal(name)))
  })
})

describe('a tokenizer of nothing', () => {
  it('has no entries, and takes any prompt', () => {
    const none = new Tokenizer({ kind: 'none' })
    expect(none.encode('red heart')).toBe(none.nothing)
    expect(none.toDense([none.nothing, none.nothing]).length).toBe(0)
    expect(none.unknownWords('red heart')).toEqual([])
  })
})

describe('conditionShape', () => {
  it('counts the entries that the tokenizer gives out, with one for nothing', () => {
    expect(conditionShape({ kind: 'none' })).toEqual({ kind: 'none' })
    expect(conditionShape({ kind: 'class', classes: ['a', 'b'] })).toEqual({
      kind: 'class',
      vocabulary: 3,
      tokens: 1,
    })
    expect(conditionShape(text)).toEqual({ kind: 'text', vocabulary: 1 + 4 + 512, tokens: 4 })
    expect(tokenizer.entries).toBe(1 + 4 + 512)
  })
})
