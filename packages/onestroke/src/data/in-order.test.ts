import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { inOrder } from './in-order.js'

describe('inOrder', () => {
  it('keeps the order, and never does more than it is told to at a time', async () => {
    let running = 0
    let most = 0
    const results: number[] = []
    const slowFirst = async (n: number) => {
      most = Math.max(most, ++running)
      await setTimeout(10 - n)
      running--
      return n
    }
    for await (const n of inOrder([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 3, slowFirst)) results.push(n)
    expect(results).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(most).toBe(3)
  })

  it('stops its source when an item fails, or when nobody listens any more', async () => {
    let stopped = 0
    const source = async function* () {
      try {
        for (let n = 0; ; n++) yield n
      } finally {
        stopped++
      }
    }
    const failing = async () => {
      for await (const _ of inOrder(source(), 2, async (n) =>
        n < 3 ? n : Promise.reject(new Error('no')),
      )) {
      }
    }
    await expect(failing()).rejects.toThrow('no')
    for await (const n of inOrder(source(), 2, async (n) => n)) if (n === 5) break
    expect(stopped).toBe(2)
  })
})
