/** Batches of every kind, by what they are for. */
import type { PromptArray } from '@onestroke/core/text'
import { BatchMaker, type BatchPlan, type BatchSlice } from './batch.js'
import { CropMaker, type CropPlan } from './crops.js'

export type AnyBatchPlan = BatchPlan | CropPlan

/** What the loop knows of a batch. Its arrays have the names of the training step's inputs. */
export interface AnyBatch {
  /** How much each picture counts: 1. */
  readonly weight: Float32Array<ArrayBuffer>
  /** [1], the sum of the weights of the whole batch. */
  readonly total_weight: Float32Array<ArrayBuffer>
  /** Noise level of each picture; 0 where there is none. */
  readonly t: Float32Array<ArrayBuffer>
  readonly [input: string]: PromptArray
}

/** @returns what makes batch number `step`, counted from 0; it writes over `reuse` if given. */
export const batchMaker = (
  plan: AnyBatchPlan,
  slice?: BatchSlice,
): ((step: number, reuse?: AnyBatch) => Promise<AnyBatch>) => {
  switch (plan.kind) {
    case 'noised': {
      const maker = new BatchMaker(plan, slice)
      return (step, reuse) => maker.make(step, reuse as Parameters<BatchMaker['make']>[1])
    }
    case 'crops': {
      const maker = new CropMaker(plan, slice)
      return (step, reuse) => maker.make(step, reuse as Parameters<CropMaker['make']>[1])
    }
    default:
      return plan satisfies never
  }
}

/** What moves between threads with a batch. */
export const buffersOf = (batch: AnyBatch): ArrayBuffer[] =>
  Object.values(batch).map(({ buffer }) => buffer as ArrayBuffer)
