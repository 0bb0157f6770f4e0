import { UserError } from '@onestroke/core/errors'
import type { Executable } from '@onestroke/core/tensor'
import { describe, expect, it } from 'vitest'
import { bandLimits } from './bands.js'
import { ALONE, shareOf } from './group.js'
import { type LoopOptions, type StepEvent, trainingLoop } from './loop.js'
import { Optimizer } from './optimizer.js'
import { OPTIMIZER_DEFAULTS } from './presets.js'
import { emaDecay } from './schedule.js'
import { freshProgress } from './state.js'
import { batchPlan } from './testing.js'

const SIZE = 5

/** A "graph" whose gradient is the parameters themselves, except in the steps where `bad` says what it is. */
const executable = (
  { parameters, gradient }: Optimizer,
  bad: (step: number) => Partial<{ gradient: number; loss: number }> | undefined,
): Executable => {
  let step = 0
  return {
    async run() {
      const trouble = bad(++step)
      gradient.set(parameters)
      if (trouble?.gradient !== undefined) gradient[2] = trouble.gradient
      const loss = trouble?.loss ?? 1 / step
      return { loss: Float32Array.of(loss), losses: new Float32Array(4).fill(loss) }
    },
    async release() {},
  }
}

const setUp = (
  bad: Parameters<typeof executable>[1] = () => undefined,
  changes: Partial<LoopOptions> = {},
): LoopOptions & { optimizer: Optimizer; events: StepEvent[] } => {
  const optimizer = new Optimizer(SIZE, OPTIMIZER_DEFAULTS)
  optimizer.parameters.fill(1)
  optimizer.ema.fill(1)
  const events: StepEvent[] = []
  return {
    step: executable(optimizer, bad),
    schedule: { learning_rate: 0.01, warmup: 0, decay: 0, ema_half_life: 10 },
    plan: batchPlan({ images: 160 }),
    share: shareOf(ALONE, 4),
    progress: freshProgress(160),
    onStep: (event) => {
      events.push(event)
    },
    events,
    ...changes,
    optimizer,
  }
}

describe('the training loop', () => {
  it('takes as many steps as the pictures make, and tells of each', async () => {
    const options = setUp()
    expect(await trainingLoop(options)).toBe(true)
    const { progress, optimizer, events } = options
    expect(progress.step).toBe(40)
    expect(events.map(({ images }) => images)).toEqual(Array.from({ length: 40 }, (_, i) => 4 * (i + 1)))
    expect(optimizer.parameters[0]).toBeLessThan(0.7)
    expect(optimizer.ema[0]).toBeGreaterThan(optimizer.parameters[0]!)
    // What was left for the log becomes its last line.
    expect(progress.log).toHaveLength(1)
    expect(progress.log[0]!.images).toBe(160)
    expect(progress.pending.steps).toBe(0)
  })

  it('trains what belongs to the objective along with it, each with a gradient of its own', async () => {
    const own = new Optimizer(3, OPTIMIZER_DEFAULTS)
    own.parameters.fill(1)
    const options = setUp(undefined, { own: { optimizer: own } })
    const graph: Executable = {
      ...options.step,
      async run(inputs) {
        // Far beyond what is clipped, in which the network has no part.
        own.gradient.fill(1e6)
        return options.step.run(inputs)
      },
    }
    await trainingLoop({ ...options, step: graph })
    const alone = setUp()
    await trainingLoop(alone)
    expect(options.optimizer.parameters).toEqual(alone.optimizer.parameters)
    expect(own.parameters[0]).toBeLessThan(0.7)
    expect(own.exp_avg[0]).toBeCloseTo(1 / Math.sqrt(3), 1)
  })

  it('gives it steps of its own before each of the student’s, and leaves the other alone meanwhile', async () => {
    const own = new Optimizer(3, OPTIMIZER_DEFAULTS)
    own.parameters.fill(1)
    const kinds: string[] = []
    const graphOf = (kind: string, loss: number): Executable => ({
      async run() {
        kinds.push(kind)
        // A graph of one kind writes no gradient of the other.
        if (kind === 'student') options.optimizer.gradient.fill(0.1)
        else own.gradient.fill(0.1)
        return { loss: Float32Array.of(loss), losses: new Float32Array(4).fill(loss) }
      },
      async release() {},
    })
    const arrays = ['parameters', 'exp_avg', 'exp_avg_sq', 'ema'] as const
    const copy = (optimizer: Optimizer) => arrays.map((name) => optimizer[name].slice())
    const states: [Float32Array[], Float32Array[]][] = []
    const options = setUp(undefined, {
      step: graphOf('student', 3),
      onStep: () => {
        states.push([copy(options.optimizer), copy(own)])
      },
      own: { optimizer: own, steps: { updates: 3, step: graphOf('own', 5) } },
    })
    await trainingLoop(options)
    expect(kinds.slice(0, 8)).toEqual(['own', 'own', 'own', 'student', 'own', 'own', 'own', 'student'])
    for (const [i, [student, second]] of states.entries()) {
      if (i === 0) continue
      const moved = i % 4 === 3
      const [studentBefore, secondBefore] = states[i - 1]!
      if (moved) expect(second).toEqual(secondBefore)
      else expect(student).toEqual(studentBefore)
      expect(moved ? student : second).not.toEqual(moved ? studentBefore : secondBefore)
    }
    // Ten steps of the student's, as if there had been no others: so many corrections of the bias, and so long an average.
    const alone = new Optimizer(SIZE, OPTIMIZER_DEFAULTS)
    alone.parameters.fill(1)
    alone.ema.fill(1)
    for (let i = 1; i <= 10; i++) {
      alone.gradient.fill(0.1)
      await alone.step(i, 0.01, emaDecay(16 * i, 16, options.schedule), alone.gradientNorm())
    }
    expect(copy(options.optimizer)).toEqual(copy(alone))
    const [line] = options.progress.log
    expect(line).toMatchObject({ images: 160, loss: 3, own_loss: 5 })
    expect(options.progress.log).toHaveLength(1)
  })

  it('has nothing to do when it is done', async () => {
    const options = setUp(undefined, { progress: { ...freshProgress(160), step: 40 } })
    expect(await trainingLoop(options)).toBe(true)
    expect(options.events).toEqual([])
  })

  it('stops when told to, and goes on as if it had not', async () => {
    const whole = setUp()
    await trainingLoop(whole)
    const parts = setUp(undefined, {
      shouldStop: () => parts.progress.step === 7 && parts.events.length === 7,
    })
    expect(await trainingLoop(parts)).toBe(false)
    expect(parts.progress.step).toBe(7)
    expect(await trainingLoop({ ...parts, shouldStop: () => false })).toBe(true)
    expect(parts.optimizer.parameters).toEqual(whole.optimizer.parameters)
    expect(parts.optimizer.ema).toEqual(whole.optimizer.ema)
  })

  it.each([
    ['a NaN in the gradient', { gradient: Number.NaN }],
    ['an infinity in the gradient', { gradient: Number.POSITIVE_INFINITY }],
    ['a loss that is none', { loss: Number.NaN }],
  ])('leaves out a step with %s, and counts it', async (_, trouble) => {
    let before: Float32Array | undefined
    const options = setUp((step) => {
      if (step === 5) before = Float32Array.from(options.optimizer.parameters)
      if (step === 6) expect(options.optimizer.parameters).toEqual(before)
      return step === 5 ? trouble : undefined
    })
    expect(await trainingLoop(options)).toBe(true)
    expect(options.progress).toMatchObject({ step: 40, skipped_steps: 1 })
    expect(options.optimizer.isFinite()).toBe(true)
    expect(options.progress.log.every(({ loss }) => Number.isFinite(loss))).toBe(true)
  })

  it('bears 19 such steps in a row, again and again', async () => {
    const options = setUp((step) => (step % 20 === 0 ? undefined : { gradient: Number.NaN }))
    expect(await trainingLoop(options)).toBe(true)
    expect(options.progress.skipped_steps).toBe(38)
  })

  it('ends after 20, with the last good weights in memory and a remedy', async () => {
    let good: Float32Array | undefined
    const options = setUp((step) => {
      if (step === 6) good = Float32Array.from(options.optimizer.parameters)
      return step > 5 ? { gradient: Number.NaN } : undefined
    })
    const error = await trainingLoop(options).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(UserError)
    expect((error as UserError).message).toBe(
      'the training has diverged: the gradient was not finite in 20 steps in a row, the last of them step 25',
    )
    expect((error as UserError).remedy).toContain('`learning_rate`')
    expect(options.optimizer.parameters).toEqual(good)
  })

  it('takes single pictures out whose loss is not finite, and learns from the rest', async () => {
    const weights: Float32Array[] = []
    const options = setUp()
    const { step } = options
    const graph: Executable = {
      ...step,
      // Bad as long as picture 2 of the third batch is as it came.
      async run(inputs) {
        const { weight, t } = inputs as Record<string, Float32Array>
        const { loss } = await step.run(inputs)
        const bad = options.progress.step === 2 && weight![2] === 1
        if (bad) options.optimizer.gradient.fill(Number.NaN)
        weights.push(weight!.slice())
        const losses = Float32Array.from(t!, (_, i) => (bad && i === 2 ? Number.NaN : 1))
        return { loss: bad ? Float32Array.of(Number.NaN) : loss!, losses }
      },
    }
    expect(await trainingLoop({ ...options, step: graph })).toBe(true)
    const { progress } = options
    expect(progress).toMatchObject({ step: 40, skipped_steps: 0, quarantined: 1 })
    expect(progress.quarantine).toEqual([{ step: 2, index: 2, sigma: expect.any(Number) }])
    expect(weights).toHaveLength(41)
    expect([...weights[3]!]).toEqual([1, 1, 0, 1])
    expect(weights[4]!.every((one) => one === 1)).toBe(true)
    expect(options.optimizer.isFinite()).toBe(true)
  })

  it('ends when pictures must be taken out of every batch, and says where', async () => {
    const options = setUp()
    const graph: Executable = {
      ...options.step,
      async run({ weight }) {
        const bad = (weight as Float32Array)[0] === 1
        options.optimizer.gradient.fill(bad ? Number.NaN : 0)
        return {
          loss: Float32Array.of(bad ? Number.NaN : 1),
          losses: Float32Array.of(bad ? Number.NaN : 1, 1, 1, 1),
        }
      },
    }
    const error = (await trainingLoop({ ...options, step: graph }).catch((e: unknown) => e)) as UserError
    expect(error.message).toMatch(
      /^the training has diverged: pictures had to be left out in 20 steps in a row; 20 pictures had been left out, the last at step 19, σ [\d.]+$/,
    )
  })

  it('tells the loss and the gradient by band of noise levels', async () => {
    const norms: (number | null)[][] = []
    const options = setUp()
    const graph: Executable = {
      ...options.step,
      async run(inputs) {
        const { weight, t } = inputs as Record<string, Float32Array>
        // A picture's loss is its noise level, its gradient 1 in all five places.
        options.optimizer.gradient.fill(weight!.reduce((sum, one) => sum + one, 0))
        return { loss: Float32Array.of(1), losses: t!.slice() }
      },
    }
    await trainingLoop({
      ...options,
      step: graph,
      onStep: async ({ gradientNorms, images }) => {
        if (images === 160) norms.push(await gradientNorms())
      },
    })
    const limits = bandLimits(options.plan.range!)
    const { bands } = options.progress.log[0]!
    for (const [i, mean] of bands.entries()) {
      expect(mean).toBeGreaterThanOrEqual(limits[i + 1]! * 0.999)
      expect(mean).toBeLessThanOrEqual(limits[i]! * 1.001)
    }
    const counts = norms[0]!.map((norm) => (norm ?? 0) / Math.sqrt(SIZE))
    expect(counts.reduce((a, b) => a + b)).toBeCloseTo(4, 5)
    expect(norms[0]).toContain(null)
  })

  it('fails when the worker that prepares its batches does', async () => {
    const { dataset } = batchPlan()
    const options = setUp(undefined, { plan: batchPlan({ images: 160, dataset: { ...dataset, count: 0 } }) })
    await expect(trainingLoop(options)).rejects.toThrow('count: expected an integer ≥ 1')
  })
})
