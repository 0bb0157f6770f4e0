/** Several processes, or loops, that train one model together: each computes its slice of every batch. */
import { UserError } from '@onestroke/core/errors'
import type { BatchSlice } from './batch.js'

/**
 * A group of processes that train together, as one of them sees it. All must call `sum` and `all` in the same order, with arrays of the same
 * lengths; each call waits for the others.
 */
export interface Group {
  /** Which one this is, from 0. The first one writes files, measures, and decides by the clock. */
  readonly rank: number
  readonly size: number
  /** Replaces each number by its sum over all ranks: the same bits on every rank, and every time. */
  sum(array: Float32Array): Promise<void>
  /** Whether a flag is true on every rank. */
  all(flag: boolean): Promise<boolean>
}

export const ALONE: Group = {
  rank: 0,
  size: 1,
  async sum() {},
  async all(flag) {
    return flag
  },
}

/** The slice of each batch that a rank computes. */
export interface Share extends BatchSlice {
  readonly group: Group
  /** Pictures in the whole batch. */
  readonly of: number
}

/** @throws UserError if there are fewer pictures than ranks. */
export const shareOf = (group: Group, batch: number): Share => {
  const { rank, size } = group
  if (batch < size)
    throw new UserError(`a batch of ${batch} cannot be shared by ${size} processes`, {
      option: 'batch',
      remedy: `choose a batch of ${size} or more, or fewer processes`,
    })
  return {
    group,
    from: Math.floor((batch * rank) / size),
    to: Math.floor((batch * (rank + 1)) / size),
    of: batch,
  }
}

/** Copies an array of the first rank to every rank. */
export const broadcast = async (group: Group, array: Float32Array): Promise<void> => {
  // Not 0: to add that would make a 0 of the first rank's −0.
  if (group.rank > 0) array.fill(-0)
  await group.sum(array)
}

/** The largest number among the ranks. */
export const largest = async (group: Group, value: number): Promise<number> => {
  if (group.size === 1) return value
  const each = new Float32Array(group.size)
  each[group.rank] = value
  await group.sum(each)
  return Math.max(...each)
}

/**
 * Runs `make` on the first rank, and returns its result on every rank: plain data, through JSON.
 *
 * @throws UserError on every rank if the first one throws.
 */
export const shared = async <T>(group: Group, make: () => T | Promise<T>): Promise<T> => {
  if (group.size === 1) return make()
  let made: { value?: T; error?: string; remedy?: string } = {}
  let failure: unknown
  if (group.rank === 0)
    try {
      made = { value: await make() }
    } catch (error) {
      failure = error
      made = { error: (error as Error).message, remedy: (error as Partial<UserError>).remedy }
    }
  const bytes = new TextEncoder().encode(JSON.stringify(made))
  const length = Float32Array.of(bytes.length)
  await broadcast(group, length)
  const text = new Float32Array(length[0]!)
  if (group.rank === 0) text.set(bytes)
  await broadcast(group, text)
  if (failure) throw failure
  if (group.rank === 0) return made.value as T
  made = JSON.parse(new TextDecoder().decode(Uint8Array.from(text)))
  if (made.error !== undefined) throw new UserError(made.error, { remedy: made.remedy })
  return made.value as T
}
