/**
 * Predictions, paths and a DDIM step against diffusers' schedulers, from the same sample and the same network output: numbers made
 * by schedulers.py, beside this file.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  networkScales,
  noiseLevels,
  noiseSchedule,
  odeStep,
  type PathConfig,
  PREDICTIONS,
  type PredictionName,
  perPicture,
  vpSigmas,
} from '@onestroke/core/diffusion'
import { interpret, trace } from '@onestroke/core/tensor'
import { describe, expect, it } from 'vitest'
import { pythonLacks, runPython } from '../../packages/core/src/testing/python.js'

const script = fileURLToPath(new URL('./schedulers.py', import.meta.url))

interface Step {
  /** Noise levels in the scheduler's own words. */
  readonly sigma?: number
  readonly next_sigma?: number
  readonly alpha_cumprod?: number
  readonly next_alpha_cumprod?: number
  readonly t?: number
  readonly next_t?: number
  /** What the network is told of them, and the sample as it is given to it. */
  readonly time: number
  readonly input: number[]
  /** The sample, where it is another one. */
  readonly sample?: number[]
  readonly denoised?: number[]
  readonly next: number[]
}
interface Run {
  readonly steps: readonly Step[]
}
type BetaName = 'linear' | 'scaled_linear'
interface Fixture {
  readonly output: number[]
  readonly betas: Readonly<
    Record<BetaName, { beta_schedule: BetaName; beta_start: number; beta_end: number }>
  >
  readonly tables: Readonly<Record<BetaName, number[]>>
  readonly ddim: Readonly<Record<string, Run>>
  readonly euler: Readonly<Record<string, Run>>
  readonly karras: Run
  readonly flow: Run
  readonly edm: Run
}
const fixture = JSON.parse(readFileSync(new URL('./schedulers.json', import.meta.url), 'utf8')) as Fixture

/** diffusers' names. */
const PREDICTION_TYPES = { epsilon: 'epsilon', v_prediction: 'v', sample: 'x0' } as const
const RANGE = { sigma_min: 0.002, sigma_max: 80, sigma_data: 0.5 }

const vp = (name: BetaName): PathConfig => ({
  kind: 'vp',
  noise: { ...fixture.betas[name], num_train_timesteps: 1000 },
})
/** `v_prediction scaled_linear` → v, on its path. */
const named = (name: string): { prediction: PredictionName; path: PathConfig } => {
  const [type, betas] = name.split(' ') as [keyof typeof PREDICTION_TYPES, BetaName]
  return { prediction: PREDICTION_TYPES[type], path: vp(betas) }
}

const vpSigma = (alpha: number) => Math.sqrt((1 - alpha) / alpha)
/** A scheduler's step, with its noise levels as σ, and how its samples at both are scaled: own = scale · x. */
const inOurWords = (step: Step) => {
  if (step.sigma !== undefined)
    return { sigma: step.sigma, next: step.next_sigma!, scale: 1, next_scale: 1, own: step.sample! }
  if (step.alpha_cumprod !== undefined)
    return {
      sigma: vpSigma(step.alpha_cumprod),
      next: vpSigma(step.next_alpha_cumprod!),
      scale: Math.sqrt(step.alpha_cumprod),
      next_scale: Math.sqrt(step.next_alpha_cumprod!),
      own: step.input,
    }
  const [t, next_t] = [step.t!, step.next_t!]
  return {
    sigma: t / (1 - t),
    next: next_t / (1 - next_t),
    scale: 1 - t,
    next_scale: 1 - next_t,
    own: step.input,
  }
}

const expectNear = (found: readonly number[], expected: readonly number[], tolerance = 5e-6) => {
  expect(found).toHaveLength(expected.length)
  for (const [i, value] of expected.entries())
    expect(Math.abs(found[i]! - value)).toBeLessThan(tolerance * (1 + Math.abs(value)))
}

/** Every step of a run: what the network is given, D, and where a DDIM step leads. `times` is what a time of ours is there. */
const expectSame = (
  { steps }: Run,
  { prediction, path }: { prediction: PredictionName; path: PathConfig },
  times = 1,
) => {
  for (const step of steps) {
    const { sigma, next, scale, next_scale, own } = inOurWords(step)
    const program = trace({ x: [1, 4], F: [1, 4], sigma: [1], next: [1] }, ({ x, F, sigma, next }) => {
      const levels = noiseLevels(sigma!, RANGE.sigma_data)
      const { c_skip, c_out } = PREDICTIONS[prediction].scalings(levels)
      const { c_in, c_noise } = networkScales(path, levels)
      const D = x!.mul(perPicture(c_skip, x!)).add(F!.mul(perPicture(c_out, x!)))
      const denoiser = { range: RANGE, denoise: () => D }
      return {
        given: x!.mul(perPicture(c_in, x!)),
        time: c_noise,
        D,
        x: odeStep(denoiser, x!, sigma!, next!, {}, 'ddim'),
      }
    })
    const ours = interpret(program, {
      x: own.map((value) => value / scale),
      F: fixture.output,
      sigma: [sigma],
      next: [next],
    })
    expectNear([...ours.given!], step.input)
    // Timesteps are looked up in a table of float32 numbers.
    expectNear([...ours.time!.map((time) => times * time)], [step.time], 1e-4)
    if (step.denoised) expectNear([...ours.D!], step.denoised)
    expectNear(
      [...ours.x!].map((value) => value * next_scale),
      step.next,
    )
  }
}

describe('the same steps as diffusers’', () => {
  it.each(Object.keys(fixture.ddim))('DDIMScheduler: %s', (name) => {
    expectSame(fixture.ddim[name]!, named(name))
  })

  it.each(Object.keys(fixture.euler))('EulerDiscreteScheduler: %s', (name) => {
    expectSame(fixture.euler[name]!, named(name))
  })

  it('EulerDiscreteScheduler, between the timesteps of its training', () => {
    const { steps } = fixture.karras
    expect(steps.some(({ time }) => time % 1 > 0.1 && time % 1 < 0.9)).toBe(true)
    expectSame(fixture.karras, { prediction: 'epsilon', path: vp('scaled_linear') })
  })

  it('FlowMatchEulerDiscreteScheduler', () => {
    // At t = 1 there is no picture left, and σ is infinite.
    const steps = fixture.flow.steps.filter(({ t }) => t! < 1)
    expect(steps).toHaveLength(fixture.flow.steps.length - 1)
    expectSame({ steps }, { prediction: 'flow', path: { kind: 'flow' } }, 1000)
  })

  it('EDMEulerScheduler', () => {
    expectSame(fixture.edm, { prediction: 'edm', path: { kind: 've' } })
    const sigmas = fixture.edm.steps.map(({ sigma }) => sigma!)
    expectNear(noiseSchedule('karras', sigmas.length, RANGE).slice(0, -1), sigmas)
  })

  it.each(['linear', 'scaled_linear'] as const)('noise levels of the timesteps: %s', (name) => {
    const { noise } = vp(name) as Extract<PathConfig, { kind: 'vp' }>
    const table = vpSigmas(noise)
    expect(table).toHaveLength(1000)
    const some = [...table.filter((_, i) => i < 999 && i % 37 === 0), table[999]!]
    // ᾱ is a product of a thousand float32 numbers there.
    expectNear(some, fixture.tables[name], 1e-4)
  })

  it('and the numbers are those that the script makes', (context) => {
    const lacking = pythonLacks('torch', 'diffusers')
    context.skip(lacking !== undefined, lacking)
    const fresh = runPython<Fixture>([script])
    expect(Object.keys(fresh)).toEqual(Object.keys(fixture))
    const numbers = (value: unknown): number[] =>
      typeof value === 'number'
        ? [value]
        : typeof value === 'object' && value !== null
          ? Object.values(value).flatMap(numbers)
          : []
    expectNear(numbers(fresh), numbers(fixture), 1e-6)
  })
})
