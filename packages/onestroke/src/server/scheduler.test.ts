/** The scheduler, with a painter that paints what it is told when it is told. */
import { UserError } from '@onestroke/core/errors'
import { NotFiniteError } from '@onestroke/core/pipeline'
import { describe, expect, it, vi } from 'vitest'
import type { Painter } from './painter.js'
import { Busy, Closing, Scheduler, type SchedulerOptions } from './scheduler.js'
import type { PaintOrder } from './settings.js'

/** Pictures of two numbers: the seed, and the number of the run. */
const SIZE = 2

interface Run {
  readonly order: PaintOrder
  readonly signal: AbortSignal | undefined
  readonly preview: ((pictures: Float32Array) => void) | undefined
  finish(error?: Error): void
}

/** A painter whose runs wait until they are finished by the test. */
const opened = (options: Partial<SchedulerOptions> = {}) => {
  const runs: Run[] = []
  const close = vi.fn(async () => {})
  const painter: Painter = {
    config: {} as Painter['config'],
    close,
    paint: (order, signal, preview) =>
      new Promise((resolve, reject) => {
        const number = runs.length
        const pictures = Float32Array.from(order.seeds.flatMap((seed) => [seed, number]))
        runs.push({ order, signal, preview, finish: (error) => (error ? reject(error) : resolve(pictures)) })
      }),
  }
  const scheduler = new Scheduler(painter, { batch: 4, queue: 8, ...options })
  /** Waits for the run of this number, from 0. */
  const run = async (number: number): Promise<Run> => {
    await vi.waitFor(() => expect(runs.length).toBeGreaterThan(number))
    return runs[number]!
  }
  return { scheduler, runs, run, close }
}

const order = (seeds: readonly number[], num_inference_steps = 1, more = {}) => ({
  prompts: seeds.map(() => 'owl'),
  seeds,
  settings: { num_inference_steps },
  ...more,
})

describe('requests that wait', () => {
  it('share a run if their settings agree, in the order in which they came, and get their own pictures', async () => {
    const { scheduler, run } = opened()
    const first = scheduler.paint(order([1]))
    const begun = await run(0)
    const later = [
      scheduler.paint(order([2, 3])),
      scheduler.paint(order([4], 9)),
      scheduler.paint(order([5])),
      scheduler.paint(order([6, 7])),
    ]
    expect(scheduler.waiting).toBe(6)
    begun.finish()
    expect(await first).toEqual(Float32Array.of(1, 0))
    const second = await run(1)
    // 6 and 7 find no room beside the others.
    expect(second.order.seeds).toEqual([2, 3, 5])
    second.finish()
    const third = await run(2)
    expect(third.order.settings).toEqual({ num_inference_steps: 9 })
    third.finish()
    ;(await run(3)).finish()
    expect(await Promise.all(later)).toEqual([
      Float32Array.of(2, 1, 3, 1),
      Float32Array.of(4, 2),
      Float32Array.of(5, 1),
      Float32Array.of(6, 3, 7, 3),
    ])
  })

  it('take several runs if they are larger than one', async () => {
    const { scheduler, run } = opened({ batch: 2 })
    const painted = scheduler.paint(order([1, 2, 3]))
    const first = await run(0)
    expect(first.order.seeds).toEqual([1, 2])
    first.finish()
    ;(await run(1)).finish()
    expect(await painted).toEqual(Float32Array.of(1, 0, 2, 0, 3, 1))
  })

  it('are refused where there is no room, and where there never will be', async () => {
    const { scheduler, run } = opened({ queue: 3 })
    const first = scheduler.paint(order([1]))
    const begun = await run(0)
    const waiting = scheduler.paint(order([2, 3]))
    await expect(scheduler.paint(order([4, 5]))).rejects.toBeInstanceOf(Busy)
    await expect(scheduler.paint(order([4, 5, 6, 7]))).rejects.toBeInstanceOf(UserError)
    begun.finish()
    ;(await run(1)).finish()
    expect(await first).toHaveLength(SIZE)
    expect(await waiting).toHaveLength(2 * SIZE)
  })
})

describe('requests that nobody waits for any more', () => {
  it('leave the queue, and end their run when all of it have left', async () => {
    const { scheduler, run } = opened()
    const [one, other, queued] = [new AbortController(), new AbortController(), new AbortController()]
    const both = [one, other].map(({ signal }, i) => scheduler.paint(order([i], 1, { signal })))
    const { signal, finish } = await run(0)
    const waiting = scheduler.paint(order([9], 5, { signal: queued.signal }))
    queued.abort(new Error('gone'))
    await expect(waiting).rejects.toThrow('gone')
    expect(scheduler.waiting).toBe(0)
    one.abort(new Error('one is gone'))
    await expect(both[0]).rejects.toThrow('one is gone')
    expect(signal!.aborted).toBe(false)
    other.abort(new Error('the other, too'))
    await expect(both[1]).rejects.toThrow('the other, too')
    expect(signal!.aborted).toBe(true)
    finish()
  })
})

describe('a run', () => {
  it('hands each request its part of the previews, and is asked for none that nobody wants', async () => {
    const { scheduler, run } = opened()
    const seen: Float32Array[] = []
    const painted = [
      scheduler.paint(order([1])),
      scheduler.paint(order([2], 1, { onPreview: (pictures: Float32Array) => seen.push(pictures) })),
    ]
    const { preview, finish } = await run(0)
    preview!(Float32Array.of(10, 11, 20, 21))
    expect(seen).toEqual([Float32Array.of(20, 21)])
    finish()
    await Promise.all(painted)
    const plain = scheduler.paint(order([3]))
    const next = await run(1)
    expect(next.preview).toBeUndefined()
    next.finish()
    await plain
  })

  it('that fails rejects all its requests, and the next goes on', async () => {
    const onNotFinite = vi.fn()
    const onRun = vi.fn()
    const { scheduler, run } = opened({ onNotFinite, onRun })
    const painted = [scheduler.paint(order([1])), scheduler.paint(order([2]))]
    const failures = Promise.allSettled(painted)
    ;(await run(0)).finish(new NotFiniteError())
    expect((await failures).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(onNotFinite).toHaveBeenCalledTimes(1)
    const next = scheduler.paint(order([3]))
    ;(await run(1)).finish()
    expect(await next).toEqual(Float32Array.of(3, 1))
    expect(onRun.mock.calls).toEqual([[1, expect.any(Number)]])
  })
})

it('a scheduler that closes finishes what it accepted, and takes nothing new', async () => {
  const { scheduler, run, close } = opened()
  const accepted = scheduler.paint(order([1]))
  const begun = await run(0)
  const closed = scheduler.close()
  expect(scheduler.closing).toBe(true)
  await expect(scheduler.paint(order([2]))).rejects.toBeInstanceOf(Closing)
  expect(close).not.toHaveBeenCalled()
  begun.finish()
  await closed
  expect(await accepted).toEqual(Float32Array.of(1, 0))
  expect(close).toHaveBeenCalledTimes(1)
})
