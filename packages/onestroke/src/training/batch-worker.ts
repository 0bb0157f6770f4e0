/** Prepares batches beside the main thread. Messages in: { step, reuse? }; out: { step, batch }. */
import { parentPort, workerData } from 'node:worker_threads'
import type { BatchSlice } from './batch.js'
import { type AnyBatch, type AnyBatchPlan, batchMaker, buffersOf } from './batches.js'

const { plan, slice } = workerData as { plan: AnyBatchPlan; slice: BatchSlice }
const make = batchMaker(plan, slice)
parentPort!.on('message', async ({ step, reuse }: { step: number; reuse?: AnyBatch }) => {
  const batch = await make(step, reuse)
  parentPort!.postMessage({ step, batch }, buffersOf(batch))
})
