import { Worker } from 'node:worker_threads'
import { builtUrl } from '../built.js'
import type { BatchSlice } from './batch.js'
import { type AnyBatch, type AnyBatchPlan, buffersOf } from './batches.js'

/** Batches in order from `first`, prepared ahead of time by a worker thread. */
export class Prefetch {
  readonly #worker: Worker
  readonly #ready = new Map<number, AnyBatch>()
  readonly #spare: AnyBatch[] = []
  #next: number
  #wake: (() => void) | undefined
  #failure: Error | undefined

  /** @param slice of each batch. */
  constructor(plan: AnyBatchPlan, slice: BatchSlice, first: number, ahead = 2) {
    this.#next = first
    this.#worker = new Worker(builtUrl(import.meta.url, './batch-worker.js'), {
      workerData: { plan, slice: { from: slice.from, to: slice.to } },
    })
    this.#worker.on('message', ({ step, batch }: { step: number; batch: AnyBatch }) => {
      this.#ready.set(step, batch)
      this.#wake?.()
    })
    const fail = (error: Error) => {
      this.#failure ??= error
      this.#wake?.()
    }
    this.#worker.on('error', fail)
    this.#worker.on('exit', () => fail(new Error('the worker that prepares the batches has ended')))
    for (let i = 0; i < ahead; i++) this.#order()
  }

  /** Batch number `step`; steps must be asked for in order. The memory of the batch before is reused for a later one. */
  async get(step: number): Promise<AnyBatch> {
    while (!this.#ready.has(step)) {
      if (this.#failure) throw this.#failure
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const batch = this.#ready.get(step)!
    this.#ready.delete(step)
    this.#order()
    return batch
  }

  /** Gives a batch back when the step that used it is done. */
  recycle(batch: AnyBatch): void {
    this.#spare.push(batch)
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #order(): void {
    const reuse = this.#spare.pop()
    const transfer = reuse ? buffersOf(reuse) : []
    this.#worker.postMessage({ step: this.#next++, reuse }, transfer)
  }
}
