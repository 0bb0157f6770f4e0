/** Prepares batches beside the main thread. Messages in: { step, reuse? }; out: { step, batch }. */
import { parentPort, workerData } from 'node:worker_threads'
import { type Batch, BatchMaker, type BatchPlan, type BatchSlice } from './batch.js'

const { plan, slice } = workerData as { plan: BatchPlan; slice: BatchSlice }
const maker = new BatchMaker(plan, slice)
parentPort!.on('message', async ({ step, reuse }: { step: number; reuse?: Batch }) => {
  const batch = await maker.make(step, reuse)
  parentPort!.postMessage({ step, batch }, buffersOf(batch))
})

const buffersOf = (batch: Batch) => Object.values(batch).map(({ buffer }) => buffer)
