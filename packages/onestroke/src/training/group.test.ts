/** Two loops in one process that train one model, against one alone. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { METHODS } from '@onestroke/core/consistency'
import { UserError } from '@onestroke/core/errors'
import type { Executable } from '@onestroke/core/tensor'
import { describe, expect, it } from 'vitest'
import { complaint, folderOf } from '../data/testing.js'
import { loadModel } from '../model/index.js'
import { nodeRuntime } from '../runtime/index.js'
import { ALONE, broadcast, type Group, largest, shared, shareOf } from './group.js'
import { batchPlan as batches, prepare, stepPrograms } from './job.js'
import { type LoopOptions, type StepEvent, stepState, trainingLoop } from './loop.js'
import { Optimizer } from './optimizer.js'
import { OPTIMIZER_DEFAULTS } from './presets.js'
import { checkRun, type RunOptions, run } from './run.js'
import { freshProgress, readProgress } from './state.js'
import { groupOf, runPlan, someData, UNCONDITIONAL, withBlocks } from './testing.js'

withBlocks(1)

/** Does the same on every rank at once. */
const together = <T>(size: number, work: (group: Group) => Promise<T>): Promise<T[]> =>
  Promise.all(groupOf(size).map((group) => work(group)))

/** Root mean square of the differences, as a share of that of the values. */
const apart = (a: Float32Array, b: Float32Array): number => {
  const square = (values: Float32Array) => values.reduce((sum, value) => sum + value ** 2, 0)
  return Math.sqrt(square(a.map((value, i) => value - b[i]!)) / square(a))
}

const given = { dataset: someData(), vocabulary: UNCONDITIONAL }
// Not to be shared evenly by two.
const BATCH = 5
const plan = runPlan({ batch: BATCH, images: 8 * BATCH })

describe('a group', () => {
  it('shares a batch, each picture once, as evenly as can be', () => {
    for (const [size, batch] of [
      [1, 4],
      [2, 5],
      [3, 8],
      [4, 4],
    ] as const) {
      const shares = groupOf(size).map((group) => shareOf(group, batch))
      expect(shares[0]!.from).toBe(0)
      expect(shares.at(-1)!.to).toBe(batch)
      for (const [i, { from, to }] of shares.entries()) {
        if (i > 0) expect(from).toBe(shares[i - 1]!.to)
        expect([Math.floor(batch / size), Math.ceil(batch / size)]).toContain(to - from)
      }
    }
    expect(() => shareOf(groupOf(3)[0]!, 2)).toThrow('a batch of 2 cannot be shared by 3 processes')
    expect(() => checkRun({ ...given, plan: runPlan({ batch: 1 }), group: groupOf(2)[1]! })).toThrow(
      UserError,
    )
  })

  it('knows what its first rank knows', async () => {
    const arrays = await together(3, async (group) => {
      const array = group.rank === 0 ? Float32Array.of(1.5, -0, 0, Number.NaN) : new Float32Array(4).fill(7)
      await broadcast(group, array)
      return array
    })
    for (const array of arrays) expect(array).toEqual(Float32Array.of(1.5, -0, 0, Number.NaN))
    const value = { text: 'σ', list: [0.1, null] }
    const made: number[] = []
    const values = await together(3, (group) =>
      shared(group, () => {
        made.push(group.rank)
        return value
      }),
    )
    expect(values).toEqual([value, value, value])
    expect(made).toEqual([0])
    expect(await together(2, (group) => shared(group, () => undefined))).toEqual([undefined, undefined])
    expect(await together(3, (group) => largest(group, 5 - group.rank))).toEqual([5, 5, 5])
    expect(await largest(ALONE, 0.1)).toBe(0.1)
  })

  it('fails as its first rank does', async () => {
    const errors = await together(2, (group) =>
      complaint(
        shared(group, () => {
          throw new UserError('the state is damaged', { remedy: 'start over' })
        }),
      ),
    )
    for (const { message, remedy } of errors)
      expect([message, remedy]).toEqual(['the state is damaged', 'start over'])
  })
})

describe('the loop of a group', () => {
  /** Trains by the real graph, or by what `graph` makes of it, from the same weights. */
  const train = async (
    group: Group,
    graph = (step: Executable, _group: Group, _optimizer: Optimizer): Executable => step,
  ) => {
    const job = prepare({ ...given, plan })
    const { layout } = job.trainable
    const share = shareOf(group, BATCH)
    const optimizer = new Optimizer(layout.size, OPTIMIZER_DEFAULTS)
    optimizer.parameters.set(layout.initialize(1))
    optimizer.ema.set(optimizer.parameters)
    const step = await nodeRuntime().compile(stepPrograms(job, share.to - share.from)[0], {
      state: stepState(optimizer),
    })
    const norms: (number | null)[][] = []
    const options: LoopOptions = {
      step: graph(step, group, optimizer),
      optimizer,
      share,
      schedule: { learning_rate: 1e-3, warmup: 0, decay: 0, ema_half_life: 10 },
      plan: batches(job, plan.images!, undefined),
      progress: freshProgress(plan.images!),
      onStep: async ({ gradientNorms, images }: StepEvent) => {
        if (images === plan.images) norms.push(await gradientNorms())
      },
    }
    expect(await trainingLoop(options)).toBe(true)
    await step.release()
    const { seconds, ...progress } = options.progress
    return { optimizer, progress, norms: norms[0]! }
  }

  it('ends in the same bytes on every rank, and every time, and near those of one alone', async () => {
    const [one, other] = await together(2, train)
    const [again] = await together(2, train)
    const alone = await train(ALONE)
    for (const name of ['parameters', 'exp_avg', 'exp_avg_sq', 'ema'] as const) {
      expect(other!.optimizer[name]).toEqual(one!.optimizer[name])
      expect(again!.optimizer[name]).toEqual(one!.optimizer[name])
      expect(apart(alone.optimizer[name], one!.optimizer[name])).toBeLessThan(1e-3)
    }
    expect(other!.progress).toEqual(one!.progress)
    const [line, own] = [one!.progress.log[0]!, alone.progress.log[0]!]
    expect(line.loss / own.loss).toBeCloseTo(1, 5)
    expect(line.gradient_norm / own.gradient_norm).toBeCloseTo(1, 4)
    for (const [i, band] of line.bands.entries())
      if (band === null) expect(own.bands[i]).toBeNull()
      else expect(band / own.bands[i]!).toBeCloseTo(1, 4)
    expect(other!.norms).toEqual(one!.norms)
    for (const [i, norm] of one!.norms.entries())
      if (norm === null) expect(alone.norms[i]).toBeNull()
      else expect(norm / alone.norms[i]!).toBeCloseTo(1, 3)
  })

  it.each([
    ['one picture of the second rank', (rank: number, i: number) => rank === 1 && i === 0, 1],
    ['every picture of the first rank', (rank: number) => rank === 0, 2],
  ])('takes %s out, and learns from the rest on both', async (_, isBad, count) => {
    /** Spoils the pictures of the third batch that still count. */
    const spoil = (step: Executable, { rank, size }: Group): Executable => {
      let runs = 0
      return {
        ...step,
        release: () => step.release(),
        async run(inputs) {
          const { x0, weight } = inputs as Record<string, Float32Array>
          const first = ++runs === 3
          const spoiled = x0!.slice()
          for (let i = 0; i < weight!.length; i++) {
            // Alone, the first rank's pictures are the first two.
            const [r, k] = size === 1 ? [i < 2 ? 0 : 1, i < 2 ? i : i - 2] : [rank, i]
            if (first && isBad(r, k)) spoiled.fill(Number.NaN, i * 64, (i + 1) * 64)
          }
          return step.run({ ...inputs, x0: spoiled })
        },
      }
    }
    const [one, other] = await together(2, (group) => train(group, spoil))
    const alone = await train(ALONE, spoil)
    expect(other!.optimizer.parameters).toEqual(one!.optimizer.parameters)
    expect(other!.progress).toEqual(one!.progress)
    expect(one!.progress).toMatchObject({ step: 8, skipped_steps: 0, quarantined: count })
    expect(one!.progress.quarantine).toEqual(alone.progress.quarantine)
    expect(apart(alone.optimizer.parameters, one!.optimizer.parameters)).toBeLessThan(1e-3)
  })

  it('leaves a step out on every rank where the gradient of one is not finite', async () => {
    const spoil = (step: Executable, { rank }: Group, { gradient }: Optimizer): Executable => {
      let runs = 0
      return {
        ...step,
        release: () => step.release(),
        async run(inputs) {
          const result = await step.run(inputs)
          if (++runs === 4 && rank === 1) gradient[7] = Number.POSITIVE_INFINITY
          return result
        },
      }
    }
    const [one, other] = await together(2, (group) => train(group, spoil))
    expect(one!.progress).toMatchObject({ step: 8, skipped_steps: 1 })
    expect(other!.progress).toEqual(one!.progress)
    expect(other!.optimizer.parameters).toEqual(one!.optimizer.parameters)
  })
})

describe('the run of a group', () => {
  const options = (directory: string, changes: Partial<RunOptions> = {}): RunOptions => ({
    ...given,
    directory,
    plan,
    runtime: nodeRuntime(),
    checkpoint_every: 1e9,
    ...changes,
  })
  /** Trains with the folder of the first rank; the second one has none. */
  const both = (folder: string, changes: (group: Group) => Partial<RunOptions> = () => ({})) =>
    together(2, (group) =>
      run(options(group.rank === 0 ? folder : join(folder, 'none'), { group, ...changes(group) })),
    )
  const bytes = (folder: string) => readFile(join(folder, 'model.safetensors'))

  it('is the same however often it was stopped, by whichever rank, and near that of one alone', async () => {
    const [whole, parts, alone] = [await folderOf({}), await folderOf({}), await folderOf({})]
    const results = await both(whole)
    expect(results[1]).toEqual(results[0])
    expect(existsSync(join(whole, 'none'))).toBe(false)
    for (const stopping of [1, 0]) {
      const stopped = await both(parts, ({ rank }) => {
        let steps = 0
        return { shouldStop: () => rank === stopping && steps >= 3, onStep: () => void steps++ }
      })
      expect(stopped.map(({ finished }) => finished)).toEqual([false, false])
    }
    expect((await readProgress(parts))!.step).toBe(6)
    await both(parts)
    expect(await bytes(parts)).toEqual(await bytes(whole))
    await run(options(alone))
    const [one, group] = [await loadModel(alone), await loadModel(whole)]
    expect(apart(one.weights, group.weights)).toBeLessThan(1e-3)
    expect(group.config.provenance.images_seen).toBe(40)
  })

  it('trains what a method has beside the network, and measures and writes on the first rank', async () => {
    const [folder, above] = [await folderOf({}), await folderOf({})]
    await run(options(above))
    const teacher = await loadModel(above)
    const asked: number[] = []
    const method = METHODS.dmd!
    const distillation = runPlan({
      command: 'distill',
      method: 'dmd',
      method_options: { ...method.options },
      batch: BATCH,
      images: null,
      minutes: 1,
      checks: 2,
    })
    const changes = ({ rank }: Group): Partial<RunOptions> => ({
      plan: distillation,
      teacher,
      allot: async (seconds) => {
        asked.push(rank)
        // Twelve steps; each rank takes as long as the slowest.
        return { training: (12 / 0.9) * seconds, checks: 2, effort: {} }
      },
      check: async (model) => {
        asked.push(rank)
        return { fid: { 1: 1 }, scores: [model.config.provenance.images_seen], teacher_distance: null }
      },
      onCheckpoint: async () => {
        asked.push(rank)
      },
      tuneSampling: async () => {
        asked.push(rank)
        return { num_inference_steps: 2 }
      },
    })
    // The other rank is told neither how to measure nor how to share out the time, and follows all the same.
    const [one, other] = await both(folder, (group) =>
      group.rank === 0 ? changes(group) : { plan: distillation, teacher },
    )
    expect(other).toEqual(one)
    expect(one!.progress).toMatchObject({ step: 12, images: 60 })
    expect(one!.progress.checks).toHaveLength(2)
    expect(one!.config.sampling.num_inference_steps).toBe(2)
    expect(asked).toEqual([0, 0, 0, 0, 0])
    expect((await loadModel(folder)).sha256).toBe(one!.sha256)
  })
})
