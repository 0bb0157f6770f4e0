/** Prepares batches beside the main thread. Messages in: { step, reuse? }; out: { step, batch }. */
import { parentPort, workerData } from 'node:worker_threads'
import { type Batch, BatchMaker, type BatchPlan } from './batch.js'

const maker = new BatchMaker(workerData as BatchPlan)
parentPort!.on('message', ({ step, reuse }: { step: number; reuse?: Batch }) => {
  const batch = maker.make(step, reuse)
  parentPort!.postMessage({ step, batch }, buffersOf(batch))
})

const buffersOf = (batch: Batch) => Object.values(batch).map(({ buffer }) => buffer)
