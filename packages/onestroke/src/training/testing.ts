/** What the tests of this folder share: a small training without pictures from files. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type DeviceArray, HostArray, type Runtime } from '@onestroke/core/tensor'
import type { Vocabulary } from '@onestroke/core/text'
import { beforeAll, vi } from 'vitest'
import type { Dataset } from '../data/index.js'
import { LOCK_FILE } from '../run-files.js'
import { nodeRuntime } from '../runtime/index.js'
import type { BatchPlan } from './batch.js'
import type { Group } from './group.js'
import { lockRun } from './lock.js'
import type { RunPlan } from './plan.js'
import { OPTIMIZER_DEFAULTS, PRESETS } from './presets.js'

const WORDS = ['red', 'green', 'blue', 'round', 'square', 'dotted']

/** Pictures of 8×8 pixels, each of its own grey, with two words and one of three classes each. */
export const someData = (
  count = 12,
): Dataset & { names: string[]; classes: string[]; labels: Int32Array } => {
  const pixels = new Uint8Array(new SharedArrayBuffer(count * 64))
  for (let i = 0; i < pixels.length; i++) pixels[i] = (Math.floor(i / 64) * 20 + ((i * 7) % 16)) % 256
  return {
    name: 'some data',
    count,
    channels: 1,
    height: 8,
    width: 8,
    pixels,
    skipped: [],
    sha256: 'abc',
    names: Array.from({ length: count }, (_, i) => `${WORDS[i % 3]} ${WORDS[3 + (i % 2)]}`),
    classes: ['a', 'b', 'c'],
    labels: Int32Array.from({ length: count }, (_, i) => i % 3),
  }
}

/**
 * To the end of this test file, the preset tiny is a network of so many blocks on one level: most of a short training's time is
 * spent on building its programs, and they grow with the blocks.
 */
export const withBlocks = (depth: number): void => {
  beforeAll(() => {
    const shape = vi.spyOn(PRESETS.tiny!, 'shape').mockReturnValue({
      type: 'hourglass',
      levels: [{ width: 16, depth, heads: 2, window: 8 }],
      mixing: 'neighbours',
      mlp_ratio: 2,
    })
    return () => shape.mockRestore()
  })
}

export const UNCONDITIONAL: Vocabulary = { kind: 'none' }

export const batchPlan = (changes: Partial<BatchPlan> = {}): BatchPlan => ({
  kind: 'noised',
  dataset: someData(),
  vocabulary: UNCONDITIONAL,
  seed: 1,
  batch: 4,
  images: 400,
  range: { sigma_min: 0.01, sigma_max: 20, sigma_data: 0.5 },
  objective: 'diffusion',
  options: { P_mean: -0.6, P_std: 1.4, uniform: 0.2 },
  guidance_scale: 1,
  augment: {},
  condition_dropout: 0,
  word_dropout: 0,
  ...changes,
})

export const runPlan = (changes: Partial<RunPlan> = {}): RunPlan => ({
  command: 'train',
  data: { spec: 'some data', sha256: 'abc', images: 12 },
  teacher: null,
  preset: 'tiny',
  method: 'diffusion',
  method_options: { P_mean: -0.6, P_std: 1.4, uniform: 0.2 },
  sigma_min: 0.01,
  sigma_max: 20,
  batch: 4,
  images: 48,
  minutes: null,
  seed: 1,
  guidance_scale: 1,
  condition_dropout: 0.1,
  word_dropout: 0.05,
  checks: 0,
  flip: false,
  translate: 0,
  optimizer: OPTIMIZER_DEFAULTS,
  schedule: { learning_rate: 1e-3, warmup: 0.02, decay: 0.3, ema_half_life: null },
  ...changes,
})

/** A group of so many in this process. Sums are taken in the order of the ranks. */
export const groupOf = (size: number): Group[] => {
  interface Turn {
    readonly arrays: Float32Array[]
    readonly done: Promise<void>
    readonly end: () => void
  }
  const turn = (): Turn => {
    let end = () => {}
    const done = new Promise<void>((resolve) => {
      end = resolve
    })
    return { arrays: [], done, end }
  }
  let current = turn()
  let waiting = 0
  const sum = async (rank: number, array: Float32Array) => {
    const { arrays, done, end } = current
    arrays[rank] = array
    if (++waiting === size) {
      if (arrays.some(({ length }) => length !== array.length))
        throw new RangeError('arrays of several lengths')
      const total = arrays[0]!.slice()
      for (const one of arrays.slice(1)) for (const [i, value] of one.entries()) total[i]! += value
      for (const one of arrays) one.set(total)
      waiting = 0
      current = turn()
      end()
    }
    await done
  }
  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    sum: (array) => sum(rank, array),
    async all(flag) {
      const count = Float32Array.of(flag ? 1 : 0)
      await sum(rank, count)
      return count[0] === size
    },
  }))
}

/**
 * A runtime that works as one on a device does: its arrays can be read and written only as copies. Optimisers are programs on it.
 */
export const deviceRuntime = (): Runtime => {
  class Remote implements DeviceArray {
    readonly inner: HostArray
    constructor(values: Float32Array) {
      this.inner = new HostArray(values.slice())
    }
    get size() {
      return this.inner.size
    }
    async read() {
      return this.inner.values.slice()
    }
    write(values: Float32Array) {
      return this.inner.write(values)
    }
    async release() {}
  }
  const runtime = nodeRuntime()
  return {
    name: 'a device',
    memory: 'device',
    hold: (values) => new Remote(values),
    compile: (program, { constants, state = {} } = {}) =>
      runtime.compile(program, {
        constants,
        state: Object.fromEntries(
          Object.entries(state).map(([name, array]) => [name, (array as Remote).inner]),
        ),
      }),
  }
}

/** The id of no process. */
export const GONE = 2 ** 22 + 1

/** Leaves a lock in a run's folder: that of a process of this host, with something else in it. */
export const lockWith = async (directory: string, change: Record<string, unknown>): Promise<void> => {
  const path = join(directory, LOCK_FILE)
  const unlock = await lockRun(directory)
  const lock = JSON.parse(await readFile(path, 'utf8'))
  await unlock()
  await writeFile(path, JSON.stringify({ ...lock, id: 'other', ...change }))
}
