import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { complaint, folderOf } from '../data/testing.js'
import { loadModel } from '../model/index.js'
import { nodeRuntime } from '../runtime/index.js'
import { checkRun, type RunOptions, type RunResult, run } from './run.js'
import { readProgress } from './state.js'
import { runPlan, someData, UNCONDITIONAL, withBlocks } from './testing.js'

withBlocks(1)

const options = (directory: string, changes: Partial<RunOptions> = {}): RunOptions => ({
  directory,
  plan: runPlan(),
  dataset: someData(),
  vocabulary: UNCONDITIONAL,
  runtime: nodeRuntime(),
  checkpoint_every: 1e9,
  ...changes,
})

/** Runs until so many steps are done, then stops. */
const runFor = (steps: number, asked: RunOptions): Promise<RunResult> => {
  let done = 0
  return run({
    ...asked,
    shouldStop: () => done >= steps,
    onStep: () => {
      done++
    },
  })
}

describe('a run', () => {
  it('makes a model folder, and leaves its curve beside it', async () => {
    const folder = await folderOf({})
    const { finished, sha256, config } = await run(options(folder))
    expect(finished).toBe(true)
    expect((await readdir(folder)).sort()).toEqual(['config.json', 'model.safetensors', 'progress.json'])
    const model = await loadModel(folder)
    expect(model.sha256).toBe(sha256)
    expect(model.config).toEqual({ ...config, weights_sha256: sha256 })
    expect(model.config.provenance).toMatchObject({ images_seen: 48, preset: 'tiny', seed: 1 })
    expect((await readProgress(folder))?.log.at(-1)?.images).toBe(48)
  })

  it('is the same however often it was stopped', async () => {
    const [whole, parts] = [await folderOf({}), await folderOf({})]
    await run(options(whole))
    for (const steps of [0, 1, 4]) {
      const { finished } = await runFor(steps, options(parts))
      expect(finished).toBe(false)
      expect(existsSync(join(parts, 'config.json'))).toBe(false)
    }
    // With a checkpoint after every step as well.
    await run(options(parts, { checkpoint_every: 0 }))
    const bytes = (folder: string) => readFile(join(folder, 'model.safetensors'))
    expect(await bytes(parts)).toEqual(await bytes(whole))
  })

  describe('of so many minutes', () => {
    afterEach(() => vi.useRealTimers())

    /** A clock that goes on by itself when a step is done. */
    const clockwork = (state: { seconds: number }): RunOptions['runtime'] => {
      vi.useFakeTimers({ toFake: ['performance'] })
      const runtime = nodeRuntime()
      return {
        ...runtime,
        compile: async (...args) => {
          const executable = await runtime.compile(...args)
          return {
            release: () => executable.release(),
            run: async (...values) => {
              vi.advanceTimersByTime(1000 * state.seconds)
              return executable.run(...values)
            },
          }
        },
      }
    }
    const plan = runPlan({ images: null, minutes: 5, checks: 3 })
    const allotted = { training: 120, checks: 2, effort: { some: 7 } }

    it('has the length that its steps have time for, corrected once, and keeps what was allotted', async () => {
      const folder = await folderOf({})
      const state = { seconds: 1 }
      const timed: number[] = []
      const efforts: unknown[] = []
      let checked = 0
      const asked = options(folder, {
        plan,
        runtime: clockwork(state),
        allot: async (seconds) => {
          timed.push(seconds)
          state.seconds = 2
          return allotted
        },
        onStart: ({ time }) => {
          efforts.push(time?.effort)
        },
        check: async () => {
          checked++
          return { fid: { 1: 1 }, scores: [1, 1], teacher_distance: null }
        },
        tuneSampling: async (_, effort) => {
          efforts.push(effort)
          return {}
        },
      })
      await runFor(10, asked)
      // 120 seconds, nine tenths of which are for steps of a second.
      expect(await readProgress(folder)).toMatchObject({
        step: 10,
        images: 108 * 4,
        time: { ...allotted, settled: false },
      })
      const { finished, progress } = await run(asked)
      expect(finished).toBe(true)
      expect(timed).toEqual([1])
      // After a quarter of the steps they were found to take two seconds.
      expect(progress.step).toBeGreaterThanOrEqual(57)
      expect(progress.step).toBeLessThanOrEqual(60)
      expect(progress.images).toBe(progress.step * 4)
      expect(progress.time).toEqual({ ...allotted, settled: true })
      // At both starts, and at the end.
      expect(efforts).toEqual([allotted.effort, allotted.effort, allotted.effort])
      expect(checked).toBe(2)
    })

    it('is checked no more often than was allotted, also if steps become faster', async () => {
      const state = { seconds: 1 }
      const checked: number[] = []
      const { progress } = await run(
        options(await folderOf({}), {
          plan: runPlan({ images: null, minutes: 5, checks: 8 }),
          runtime: clockwork(state),
          allot: async () => {
            state.seconds = 0.5
            return { training: 120, checks: 8, effort: {} }
          },
          check: async (model) => {
            checked.push(model.config.provenance.images_seen)
            return { fid: { 1: 1 }, scores: [1, 1], teacher_distance: null }
          },
        }),
      )
      // 108 steps of a second became more than 200 of half a second.
      expect(progress.step).toBeGreaterThan(200)
      expect(checked).toHaveLength(8)
      expect(checked.at(-1)).toBe(progress.images)
    })

    it('is timed, but not shared out, if its plan has images', async () => {
      const folder = await folderOf({})
      const timed: number[] = []
      const { progress } = await run(
        options(folder, {
          runtime: clockwork({ seconds: 1 }),
          allot: async (seconds) => {
            timed.push(seconds)
            return undefined
          },
        }),
      )
      expect(timed).toEqual([1])
      expect(progress).toMatchObject({ images: 48, step: 12 })
      expect(progress.time).toBeUndefined()
    })
  })

  describe('whose quality is measured on the way', () => {
    const plan = runPlan({ checks: 4 })
    /** Says how good a model is, from two noises, by how many pictures it has seen. */
    const checkBy =
      (scores: readonly [number, number][], seen: number[] = []): NonNullable<RunOptions['check']> =>
      async (model) => {
        const { images_seen } = model.config.provenance
        seen.push(images_seen)
        const [a, b] = scores[images_seen / 12 - 1]!
        return { fid: { 1: (a + b) / 2 }, scores: [a, b], teacher_distance: Array(6).fill(0.1) }
      }
    const model = (folder: string) => readFile(join(folder, 'model.safetensors'))
    let unchecked: Promise<Buffer> | undefined
    /** What the weights are in the end. */
    const lastWeights = (): Promise<Buffer> => {
      unchecked ??= folderOf({}).then(async (folder) => {
        await run(options(folder))
        return model(folder)
      })
      return unchecked
    }
    /** The model of a run, which is the same however often it was stopped. */
    const modelOf = async (scores: readonly [number, number][]) => {
      const [whole, parts] = [await folderOf({}), await folderOf({})]
      const seen: number[] = []
      await run(options(whole, { plan, check: checkBy(scores, seen) }))
      expect(seen).toEqual([12, 24, 36, 48])
      for (const steps of [4, 3]) await runFor(steps, options(parts, { plan, check: checkBy(scores) }))
      await run(options(parts, { plan, check: checkBy(scores) }))
      expect(await model(parts)).toEqual(await model(whole))
      const { checks } = (await readProgress(parts))!
      expect(checks).toEqual((await readProgress(whole))!.checks)
      expect(checks.map((check) => check.scores)).toEqual(scores)
      for (const [i, { score }] of checks.entries())
        expect(score).toBeCloseTo(Math.sqrt(scores[i]![0] * scores[i]![1]), 12)
      expect(checks[0]!.gradient_norm.some((norm) => norm !== null && norm > 0)).toBe(true)
      expect((await readdir(whole)).sort()).toEqual(['config.json', 'model.safetensors', 'progress.json'])
      return model(whole)
    }

    it('keeps the weights of before that did best, if they are better than the last beyond the noise', async () => {
      const folder = await folderOf({})
      // The second check is the best by a third, from both noises; one noise is always harder than the other.
      const kept = await modelOf([
        [4, 8],
        [1, 2.1],
        [2, 4],
        [1.5, 3],
      ])
      // What the weights were then: those of a run that ends by saying that no others are as good.
      await run(
        options(folder, {
          plan,
          check: checkBy([
            [9, 9],
            [1, 1],
            [9, 9],
            [8, 8],
          ]),
        }),
      )
      expect(kept).toEqual(await model(folder))
      expect(kept).not.toEqual(await lastWeights())
    })

    it('keeps the last weights, if those of before are better within the noise only, or not at all', async () => {
      const within: [number, number][] = [
        [4, 8],
        // Far better from one noise, hardly from the other.
        [1, 2.99],
        [2, 4],
        [1.5, 3],
      ]
      expect(await modelOf(within)).toEqual(await lastWeights())
      const falling = await folderOf({})
      const check = checkBy([
        [4, 4],
        [3, 3],
        [2, 2],
        [1, 1],
      ])
      await run(options(falling, { plan, check }))
      expect(await model(falling)).toEqual(await lastWeights())
    })

    it('goes on where an older version stopped, whose checks cannot be compared', async () => {
      const old = await folderOf({})
      const scores: [number, number][] = [
        [1, 1],
        [2, 2],
        [3, 3],
        [4, 4],
      ]
      const check = checkBy(scores)
      await runFor(
        4,
        options(old, { plan, check: async (model) => ({ ...(await check(model)), scores: [1] }) }),
      )
      await run(options(old, { plan, check }))
      expect((await readProgress(old))!.checks.map((one) => one.scores.length)).toEqual([1, 2, 2, 2])
      expect(await model(old)).toEqual(await lastWeights())
    })
  })

  it('of so many minutes keeps the number of pictures that it was timed for, before any checkpoint', async () => {
    const folder = await folderOf({})
    const plan = runPlan({ images: null, minutes: 0.002 })
    const powerCut = () => {
      throw new Error('the power went')
    }
    await expect(run(options(folder, { plan, onStep: powerCut }))).rejects.toThrow('the power went')
    const { images: timed, step } = (await readProgress(folder))!
    expect(timed).toBeGreaterThan(0)
    expect(step).toBe(0)
    const { config } = await run(options(folder, { plan }))
    expect(config.provenance.images_seen).toBe(timed)
  })

  it('that is stopped while it is timed is timed again', async () => {
    const folder = await folderOf({})
    const plan = runPlan({ images: null, minutes: 0.002 })
    const { finished, progress } = await run(options(folder, { plan, shouldStop: () => true }))
    expect(finished).toBe(false)
    expect(progress).toMatchObject({ images: 0, step: 0 })
    expect((await run(options(folder, { plan }))).finished).toBe(true)
  })

  it('never saves weights that are not finite', async () => {
    const folder = await folderOf({})
    const { schedule } = runPlan()
    const plan = runPlan({ images: 400, schedule: { ...schedule, learning_rate: 1e30, warmup: 0.5 } })
    const error = await complaint(run(options(folder, { plan, checkpoint_every: 0 })))
    expect(error.message).toMatch(/^the training has diverged: /)
    expect(existsSync(join(folder, 'config.json'))).toBe(false)
    const { finished } = await runFor(0, options(folder, { plan }))
    expect(finished).toBe(false)
  })

  it('that ends on weights that are not finite is no model', async () => {
    const folder = await folderOf({})
    const { schedule } = runPlan()
    const plan = runPlan({ images: 16, schedule: { ...schedule, learning_rate: 1e38, warmup: 0, decay: 0 } })
    expect((await complaint(run(options(folder, { plan })))).message).toMatch(/^the training has diverged: /)
    expect(existsSync(join(folder, 'config.json'))).toBe(false)
  })
})

describe('the check of a run', () => {
  const check = (changes: Partial<RunOptions>) => async () => checkRun(options('', changes))
  it('finds what cannot work before anything is written', async () => {
    await check({})()
    const wrong = {
      'unknown preset': { plan: runPlan({ preset: 'enormous' }) },
      'unknown method': { plan: runPlan({ method: 'magic' }) },
      'the method dmd needs a teacher': { plan: runPlan({ method: 'dmd' }) },
      'no network takes pictures of 50×25': { dataset: { ...someData(), height: 25, width: 50 } },
      'must be above sigma_min': { plan: runPlan({ sigma_max: 0.01 }) },
      'a batch of 1000000000 needs about': { plan: runPlan({ batch: 1e9 }) },
    }
    for (const [message, changes] of Object.entries(wrong))
      expect((await complaint(check(changes)())).message).toContain(message)
  })
})
