import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NOTHING } from './bags.js'
import {
  type Bag,
  buildTextVocabulary,
  CONDITIONERS,
  type Conditioners,
  conditionerOf,
  type PromptArrays,
  promptInputs,
  type Reading,
  takesPrompts,
  textConditioner,
  toDense,
  type Vocabulary,
  vocabularySchema,
  wordsOf,
} from './index.js'

const text = { kind: 'text' as const, words: ['red', 'heart', 'cat', 'face'], buckets: 512, tokens: 4 }
const conditioner = textConditioner(text)
const denseOf = (reading: Reading) => conditioner.encode([reading]).condition as Float32Array

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
  const [x, y] = [a, b].map((prompt) => denseOf(conditioner.read(prompt)))
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

describe('a conditioner of text', () => {
  it('takes any string: its entries are in range, and no word is louder than another', () => {
    fc.assert(
      fc.property(someVocabulary, anyString, (vocabulary, prompt) => {
        const conditioner = textConditioner(vocabulary)
        const size = 1 + vocabulary.words.length + vocabulary.buckets
        const bags = conditioner.read(prompt)
        for (const { token, entry, weight } of bags) {
          expect(token).toBeGreaterThanOrEqual(0)
          expect(token).toBeLessThan(vocabulary.tokens)
          expect(entry).toBeGreaterThanOrEqual(0)
          expect(entry).toBeLessThan(size)
          expect(Number.isInteger(entry)).toBe(true)
          expect(weight).toBeGreaterThan(0)
          expect(weight).toBeLessThanOrEqual(1)
        }
        const words = wordsOf(prompt).slice(0, vocabulary.tokens)
        expect(bags === NOTHING).toBe(words.length === 0)
        for (const [token, word] of words.entries()) {
          const energy = entriesAt(bags, token).reduce((sum, { weight }) => sum + weight ** 2, 0)
          expect(energy).toBeCloseTo(vocabulary.words.includes(word) ? 1 + 0.5 ** 2 : 1, 10)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('gives a known word its own entry, and every word those of its trigrams', () => {
    const bags = conditioner.read('cat red')
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
    expect(conditioner.read('𠮷').length).toBe(1)
    expect(conditioner.read('𐐀𐐀').length).toBe(2)
  })

  it('gives an unknown word its trigrams alone, with full weight', () => {
    const known = entriesAt(conditioner.read('cat'), 0).slice(1)
    const pretended = conditioner.read('cat red', (word) => word !== 'cat')
    expect(entriesAt(pretended, 0)).toEqual(known.map((bag) => ({ ...bag, weight: 2 * bag.weight })))
    expect(entriesAt(pretended, 1)).toEqual(entriesAt(conditioner.read('cat red'), 1))
    expect(conditioner.read('dog').every(({ entry }) => entry > text.words.length)).toBe(true)
  })

  it('says which words are unknown', () => {
    expect(conditioner.unknownWords('Red dog, CAT, Käse')).toEqual(['dog', 'kase'])
    expect(conditioner.unknownWords('constructor __proto__ toString')).toEqual([
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
    expect(conditioner.read('red heart cat face red')).toEqual(conditioner.read('red heart cat face'))
    expect(conditioner.read('red heart cat face').at(-1)!.token).toBe(3)
  })

  it('takes a prompt without words for no prompt', () => {
    for (const prompt of ['', ' ', '!?', '❤️']) expect(conditioner.read(prompt)).toBe(NOTHING)
    expect(NOTHING).toEqual([{ token: 0, entry: 0, weight: 1 }])
  })

  it('keeps the buckets that models were trained with', () => {
    // FNV-1a of <ca, cat and at>, computed in Python.
    const hashes = [1066916747, 108289031, 3848351106]
    const entries = conditioner.read('cat').map(({ entry }) => entry)
    expect(entries).toEqual([3, ...hashes.map((hash) => 1 + 4 + (hash % 512))])
  })
})

describe('the inputs of a small vocabulary', () => {
  it('are the weights at [picture, token, entry], added up', () => {
    const batch = [
      [
        { token: 1, entry: 2, weight: 0.5 },
        { token: 1, entry: 2, weight: 0.25 },
      ],
      NOTHING,
    ]
    const arrays = conditioner.encode(batch)
    expect(Object.keys(arrays)).toEqual(['condition'])
    const condition = arrays.condition as Float32Array
    const size = 1 + 4 + 512
    expect(condition.length).toBe(2 * 4 * size)
    expect([...condition.entries()].filter(([, value]) => value !== 0)).toEqual([
      [size + 2, 0.75],
      [4 * size, 1],
    ])
  })
})

/** 5,001 entries. */
const large = textConditioner({ ...text, buckets: 4996 })

describe('the inputs of a large vocabulary', () => {
  it('are the entries that a prompt has, and their weights: the same bags', () => {
    const prompts = ['red heart', '', 'cat cat face', 'an unknown word', 'a'.repeat(90)]
    const readings = prompts.map((prompt) => large.read(prompt))
    const arrays = large.encode(readings)
    expect(Object.keys(arrays)).toEqual(['entries', 'entry_weights'])
    expect(arrays.entries!.length).toBe(5 * 4 * 32)
    expect(arrays.entry_weights!.length).toBe(5 * 4 * 4 * 32)
    const expected = new Float32Array(5 * 4 * 5001)
    for (const [b, reading] of readings.entries())
      for (const { token, entry, weight } of reading) expected[(b * 4 + token) * 5001 + entry]! += weight
    const shape = { vocabulary_size: 5001, tokens: 4 }
    expect(toDense(shape, arrays).condition).toEqual(expected)
  })

  it('leave out entries that there is no room for', () => {
    const words = Array.from({ length: 4 }, (_, i) =>
      String.fromCodePoint(...Array.from({ length: 90 }, (_, k) => 0x4e00 + 100 * i + k)),
    )
    const [entries] = [large.encode([large.read(words.join(' '))]).entries as BigInt64Array]
    expect(new Set(entries).size).toBe(4 * 32)
  })

  it('do not grow with it', () => {
    const bytes = (buckets: number) => {
      const { read, encode } = textConditioner({ ...text, buckets, tokens: 8 })
      const arrays = encode(Array.from({ length: 64 }, (_, i) => (i === 0 ? read('cat') : NOTHING)))
      return Object.values(arrays).reduce((sum, { byteLength }) => sum + byteLength, 0)
    }
    expect(bytes(5_000_000)).toBe(bytes(5_000))
    expect(bytes(50_000)).toBeLessThan(1e6)
  })
})

describe.each([
  ['small', conditioner],
  ['large', large],
] as const)('a %s vocabulary', (_, { read, encode, between, shape }) => {
  const denseOf = (arrays: PromptArrays) =>
    (arrays.condition ? arrays : toDense(shape as Parameters<typeof toDense>[0], arrays))
      .condition as Float32Array

  it('forgets what was in the arrays', () => {
    const arrays = encode([read('red heart cat face')])
    expect(encode([NOTHING], arrays)).toBe(arrays)
    expect(arrays).toEqual(encode([NOTHING]))
  })

  it('has bags between those of two prompts', () => {
    const [a, b] = [read('red heart'), read('cat')]
    const [from, to] = [denseOf(encode([a])), denseOf(encode([b]))]
    for (const weight of [0, 0.25, 1]) {
      const way = denseOf(encode([between(a, b, weight)]))
      for (const [i, value] of way.entries())
        expect(value).toBeCloseTo((1 - weight) * from[i]! + weight * to[i]!, 6)
    }
  })
})

describe('a conditioner of classes', () => {
  it('finds a class however its accents are written', () => {
    const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301']
    for (const name of [composed, decomposed]) {
      const one = conditionerOf({ kind: 'class', classes: ['tea', name] })
      for (const asked of [composed, decomposed])
        expect(one.read(asked)).toEqual([{ token: 0, entry: 2, weight: 1 }])
    }
    const both = conditionerOf({ kind: 'class', classes: [decomposed, composed] })
    expect([decomposed, composed].map((asked) => both.read(asked)[0]!.entry)).toEqual([1, 2])
  })

  const classes = conditionerOf({ kind: 'class', classes: ['cat', 'dog', 'constructor'] })

  it('gives each its entry, by its exact name', () => {
    expect(classes.read('cat')).toEqual([{ token: 0, entry: 1, weight: 1 }])
    expect(classes.read('constructor')).toEqual([{ token: 0, entry: 3, weight: 1 }])
    expect(classes.read('')).toBe(NOTHING)
    expect(classes.warnings(['bird'])).toEqual([])
  })

  it('refuses others, and names those it knows', () => {
    const refusal = (name: string) => `unknown class "${name}"; this model knows cat, dog, constructor`
    for (const name of ['bird', 'Cat', 'toString'])
      expect(() => classes.read(name)).toThrow(new RangeError(refusal(name)))
    for (const name of ['bird', 'Cat']) expect(classes.refusal(name)).toBe(refusal(name))
    for (const name of ['', 'cat']) expect(classes.refusal(name)).toBeUndefined()
  })
})

describe('a conditioner of nothing', () => {
  it('has no inputs, and refuses prompts', () => {
    const none = conditionerOf({ kind: 'none' })
    expect(none.encode([NOTHING, NOTHING])).toEqual({})
    expect(none.warnings(['red heart'])).toEqual([])
    expect(none.refusal('red heart')).toBe('this model was trained without prompts or classes')
    expect(none.refusal('')).toBeUndefined()
  })
})

const KINDS: readonly Vocabulary[] = [
  { kind: 'none' },
  { kind: 'class', classes: ['a', 'b'] },
  { kind: 'class', classes: Array.from({ length: 3000 }, (_, i) => `class ${i}`) },
  text,
  { ...text, buckets: 4996 },
]

describe.each(KINDS.map((vocabulary) => [vocabulary.kind, vocabulary] as const))(
  'a kind of prompt: %s',
  (_, vocabulary) => {
    const conditioner = conditionerOf(vocabulary)

    it('encodes as many numbers as the network that it describes takes', () => {
      const arrays = conditioner.encode(Array(3).fill(NOTHING))
      const sizes = Object.entries(promptInputs(conditioner.shape, 3)).map(([name, input]) => {
        const shape = 'dtype' in input ? input.shape : input
        return [name, shape.reduce((product, n) => product * n, 1)]
      })
      expect(Object.entries(arrays).map(([name, { length }]) => [name, length])).toEqual(sizes)
    })

    it('knows its example and what it knows, and takes the empty prompt for none', () => {
      for (const prompt of [conditioner.example, ...conditioner.known.slice(0, 5), ''])
        expect(conditioner.refusal(prompt)).toBeUndefined()
      expect(conditioner.known.length).toBeGreaterThan(0)
      expect(conditioner.read('')).toBe(NOTHING)
      expect(takesPrompts(vocabulary)).toBe(Object.keys(promptInputs(conditioner.shape, 1)).length > 0)
    })
  },
)

describe('a kind that is added', () => {
  it('does not compile until it has a conditioner', () => {
    type More = Vocabulary | { readonly kind: 'clip'; readonly merges: readonly string[] }
    // @ts-expect-error The property clip is missing.
    const more: Conditioners<More> = CONDITIONERS
    expect(Object.keys(more).sort()).toEqual(['class', 'none', 'text'])
  })
})

describe('the network’s config', () => {
  it('counts the entries that a conditioner gives out, with one for nothing', () => {
    expect(conditionerOf({ kind: 'none' }).shape).toEqual({ kind: 'none' })
    expect(conditionerOf({ kind: 'class', classes: ['a', 'b'] }).shape).toEqual({
      kind: 'class',
      vocabulary_size: 3,
      tokens: 1,
    })
    expect(conditioner.shape).toEqual({ kind: 'text', vocabulary_size: 1 + 4 + 512, tokens: 4 })
  })
})
