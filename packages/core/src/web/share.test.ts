import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { WebModel } from './model.js'
import { share } from './share.js'

const released: string[] = []
const model = (name: string) => {
  const one = {
    ended: false,
    release: () => {
      one.ended = true
      released.push(name)
    },
  }
  return one
}
const opening = (one: object) => () => Promise.resolve(one as WebModel)

beforeEach(() => {
  vi.useFakeTimers()
  released.length = 0
})
afterEach(() => {
  vi.runAllTimers()
  vi.useRealTimers()
})

describe('a shared model', () => {
  it('is opened once, and released when nobody has come for it for a while', async () => {
    const open = vi.fn(opening(model('a')))
    const [first, second] = [share('a', open), share('a', open)]
    expect(await first.model).toBe(await second.model)
    expect(open).toHaveBeenCalledTimes(1)
    first.letGo()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(released).toEqual([])
    second.letGo()
    await vi.advanceTimersByTimeAsync(9_000)
    const third = share('a', open)
    await vi.advanceTimersByTimeAsync(60_000)
    expect([released, open.mock.calls.length]).toEqual([[], 1])
    third.letGo()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(released).toEqual(['a'])
    share('a', open).letGo()
    expect(open).toHaveBeenCalledTimes(2)
  })

  it('is opened again where it could not be, or has ended', async () => {
    const failing = vi.fn(() => Promise.reject<WebModel>(new Error('no network')))
    const first = share('b', failing)
    await expect(first.model).rejects.toThrow('no network')
    expect(first.over()).toBe(true)
    const one = model('b')
    const second = share('b', opening(one))
    expect(await second.model).toBe(one)
    expect(second.over()).toBe(false)
    one.ended = true
    expect(second.over()).toBe(true)
    const other = model('c')
    const third = share('b', opening(other))
    expect(await third.model).toBe(other)
    for (const one of [first, second]) one.letGo()
    await vi.advanceTimersByTimeAsync(60_000)
    // The one that took its place is not touched.
    expect([released, share('b', failing).model]).toEqual([['b'], third.model])
    expect(failing).toHaveBeenCalledTimes(1)
  })
})
