/** What models are judged by, and asked for. */
import { describe, expect, it } from 'vitest'
import type { Dataset } from '../data/index.js'
import { asSeenBy, samplePrompts } from './prompts.js'
import { judgedBy } from './real-pictures.js'

const dataset: Dataset = {
  name: 'x',
  count: 4,
  channels: 1,
  height: 2,
  width: 2,
  skipped: [],
  sha256: '',
  pixels: new Uint8Array(16),
  names: ['a', 'b', 'c', 'd'],
  classes: ['0', '1', '2'],
  labels: Int32Array.of(1, 1, 2, 2),
}

describe('prompts', () => {
  it('are captions, classes that have pictures, or nothing: as the model takes them', () => {
    const prompts = (kind: string) => {
      const model = { vocabulary: { kind } } as Parameters<typeof asSeenBy>[0]
      return samplePrompts(asSeenBy(model, dataset), 4)
    }
    expect(prompts('text')).toEqual(['a', 'b', 'c', 'd'])
    expect(prompts('class')).toEqual(['1', '2', '1', '2'])
    expect(prompts('none')).toEqual(['', '', '', ''])
  })
})

describe('the pictures that models are judged by', () => {
  it('are all of them, or some that are spread over them', () => {
    expect(judgedBy({ count: 3 })).toEqual([0, 1, 2])
    const rows = judgedBy({ count: 60_000 })
    expect(rows).toHaveLength(20_000)
    expect(rows.slice(0, 3)).toEqual([0, 3, 6])
    expect(rows.at(-1)).toBe(59_997)
  })
})
