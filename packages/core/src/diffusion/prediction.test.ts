/** Predictions and paths: whatever a network says exactly, the denoiser is D exactly. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Tensor } from '../tensor/index.js'
import { networkScales, type PathConfig, vpSigmas } from './path.js'
import { perPicture } from './per-picture.js'
import {
  boundary,
  errorUnit,
  noiseLevels,
  PREDICTION_NAMES,
  PREDICTIONS,
  type PredictionName,
} from './prediction.js'
import { bell, compute, denoiserOf } from './testing.js'

const NOISE = {
  beta_schedule: 'linear',
  beta_start: 0.0001,
  beta_end: 0.02,
  num_train_timesteps: 1000,
} as const
const PATHS: readonly PathConfig[] = [
  { kind: 've' },
  { kind: 'vp', noise: NOISE },
  { kind: 'vp', noise: { ...NOISE, beta_schedule: 'scaled_linear', beta_start: 0.00085, beta_end: 0.012 } },
  { kind: 'vp', noise: { alphas_cumprod: [0.999, 0.9, 0.5, 0.1, 0.004] } },
  { kind: 'flow' },
]
const CASES = PREDICTION_NAMES.flatMap((prediction) => PATHS.map((path) => ({ prediction, path })))

const SIGMA_DATA = 0.5
/** The first is sigma_min, a float32 number as constants are. */
const sigmas = [1 / 64, 0.5, 2, 14]
const x = [0.5, -1, 0.75, 0.25, -4, 3, 9, -20]

/**
 * What a network that knows a Gaussian exactly says, from nothing but what it is given: it undoes c_in by the definition of its
 * path, and answers by the definition of its prediction, in the variables of the papers.
 */
const exactNetwork = (given: Tensor, sigma: Tensor, prediction: PredictionName, path: PathConfig): Tensor => {
  const one = sigma.zerosLike().add(1)
  /** α and β of the path's own x = α·x₀ + β·ε, which the network is given, scaled to unit variance on `ve`. */
  const alpha = {
    ve: () => one,
    vp: () => one.div(sigma.square().add(1).sqrt()),
    flow: () => one.sub(sigma.div(sigma.add(1))),
  }[path.kind]()
  const unit =
    path.kind === 've'
      ? sigma
          .square()
          .add(SIGMA_DATA ** 2)
          .sqrt()
      : one
  const own = given.mul(perPicture(unit, given))
  const D = denoiserOf(bell).denoise(own.div(perPicture(alpha, own)), sigma)
  const epsilon = own.sub(D.mul(perPicture(alpha, D))).div(perPicture(alpha.mul(sigma), D))
  // √ᾱ and √(1 − ᾱ) of the variance-preserving process at this ratio of noise to picture.
  const angle = sigma.atan()
  const [cos, sin] = [perPicture(angle.cos(), D), perPicture(angle.sin(), D)]
  const variance = sigma.square().add(SIGMA_DATA ** 2)
  const noisy = D.add(epsilon.mul(perPicture(sigma, D)))
  return {
    x0: () => D,
    epsilon: () => epsilon,
    v: () => epsilon.mul(cos).sub(D.mul(sin)),
    flow: () => epsilon.sub(D),
    // Karras et al. 2022, eq. 8: (x₀ − c_skip·x)/c_out.
    edm: () =>
      D.sub(noisy.mul(perPicture(variance.reciprocal().mul(SIGMA_DATA ** 2), D))).div(
        perPicture(sigma.mul(SIGMA_DATA).div(variance.sqrt()), D),
      ),
  }[prediction]()
}

/** D from that network, the exact one, and what it should be with the boundary. */
const both = (prediction: PredictionName, path: PathConfig) =>
  compute({ x: [[4, 1, 1, 2], x], sigma: [[4], sigmas] }, ({ x, sigma }) => {
    const levels = noiseLevels(sigma!, SIGMA_DATA)
    const { c_in } = networkScales(path, levels)
    const F = exactNetwork(x!.mul(perPicture(c_in, x!)), sigma!, prediction, path)
    const read = ({ c_skip, c_out }: { c_skip: Tensor; c_out: Tensor }) =>
      x!.mul(perPicture(c_skip, x!)).add(F.mul(perPicture(c_out, x!)))
    return {
      D: read(PREDICTIONS[prediction].scalings(levels)),
      exact: denoiserOf(bell).denoise(x!, sigma!),
      student: read(boundary(PREDICTIONS[prediction], levels, sigmas[0]!)),
    }
  })

describe.each(CASES)('$prediction on $path.kind', ({ prediction, path }) => {
  it('is D where the network is exact', () => {
    const { D, exact } = both(prediction, path)
    for (const [i, value] of exact!.entries()) expect(D![i]).toBeCloseTo(value, 9)
  })

  it('with the boundary is x at sigma_min to the last bit, and D far above', () => {
    const { student, exact } = both(prediction, path)
    expect(student!.slice(0, 2)).toEqual(x.slice(0, 2))
    for (const i of [6, 7]) expect(Math.abs(student![i]! - exact![i]!)).toBeLessThan(0.05)
  })
})

describe.each(PREDICTION_NAMES)('%s', (name) => {
  it('with the boundary is the identity at any sigma_min, whatever the network', () => {
    const any = fc.double({ min: 0.001, max: 2, noNaN: true })
    fc.assert(
      fc.property(any, any, (sigma_data, sigma_min) => {
        const { c_skip, c_out } = compute({ sigma: [[1], [Math.fround(sigma_min)]] }, ({ sigma }) => ({
          ...boundary(PREDICTIONS[name], noiseLevels(sigma!, sigma_data), sigma_min),
        }))
        expect(c_skip![0]).toBe(1)
        expect(Math.abs(c_out![0]!)).toBe(0)
      }),
    )
  })

  it('says in one line what it is', () => expect(PREDICTIONS[name].about).toMatch(/^.{5,90}$/))
})

const numbersOf = (sigma: number, sigma_data: number, sigma_min = 2 ** -6) =>
  compute({ sigma: [[1], [sigma]] }, ({ sigma }) => {
    const levels = noiseLevels(sigma!, sigma_data)
    const student = boundary(PREDICTIONS.edm, levels, sigma_min)
    return {
      ...PREDICTIONS.edm.scalings(levels),
      ...networkScales({ kind: 've' }, levels),
      student_skip: student.c_skip,
      student_out: student.c_out,
      unit: errorUnit(sigma!, sigma_data),
    }
  })
/** Sixteenths, so that squares are exact as float32 constants. */
const someSigmaData = fc.integer({ min: 1, max: 64 }).map((n) => n / 16)
const someSigma = fc.double({ min: -7, max: 5, noNaN: true }).map(Math.exp)

describe('EDM on its own path', () => {
  it.each([
    [0.5, { c_skip: 0.5, c_out: Math.SQRT1_2 / 2, c_in: Math.SQRT2, c_noise: -Math.LN2 / 4 }],
    [2, { c_skip: 1 / 17, c_out: 1 / Math.sqrt(4.25), c_in: 1 / Math.sqrt(4.25), c_noise: Math.LN2 / 4 }],
  ] as const)('gives the numbers of table 1 at σ = %d', (sigma, expected) => {
    const found = numbersOf(sigma, 0.5)
    for (const [name, value] of Object.entries(expected)) expect(found[name]![0]).toBeCloseTo(value, 14)
    expect(found.unit).toEqual(found.c_out)
  })

  it('gives the network inputs and targets of unit variance, with as small a c_out as can be', () => {
    fc.assert(
      fc.property(someSigma, someSigmaData, (sigma, sigma_data) => {
        const { c_skip, c_out, c_in } = numbersOf(sigma, sigma_data)
        // What the network sees is c_in·(x₀ + σε), what it should say is (x₀ − c_skip·(x₀ + σε))/c_out.
        expect(c_in![0]! ** 2 * (sigma_data ** 2 + sigma ** 2)).toBeCloseTo(1, 10)
        const left = (skip: number) => (1 - skip) ** 2 * sigma_data ** 2 + skip ** 2 * sigma ** 2
        expect(left(c_skip![0]!) / c_out![0]! ** 2).toBeCloseTo(1, 10)
        for (const factor of [0.9, 1.1]) expect(left(factor * c_skip![0]!)).toBeGreaterThan(c_out![0]! ** 2)
      }),
    )
  })

  it('has the boundary of appendix C, which differs from the diffusion model only by sigma_min', () => {
    const { student_skip, student_out } = numbersOf(2.25, 0.5, 0.25)
    expect(student_skip![0]).toBeCloseTo(0.25 / (2 ** 2 + 0.25), 14)
    expect(student_out![0]).toBeCloseTo((2 * 0.5) / Math.sqrt(2.25 ** 2 + 0.25), 14)
    fc.assert(
      fc.property(someSigma, someSigmaData, (sigma, sigma_data) => {
        const { c_skip, c_out, student_skip, student_out } = numbersOf(sigma, sigma_data, 2 ** -30)
        expect(student_skip![0]! / c_skip![0]!).toBeCloseTo(1, 5)
        expect(student_out![0]! / c_out![0]!).toBeCloseTo(1, 5)
      }),
    )
  })
})

describe('what the network is told of the noise', () => {
  const told = (path: PathConfig, sigmas: readonly number[]) =>
    compute({ sigma: [[sigmas.length], sigmas] }, ({ sigma }) => ({
      c_noise: networkScales(path, noiseLevels(sigma!, SIGMA_DATA)).c_noise,
    })).c_noise!

  it.each(PATHS.filter(({ kind }) => kind === 'vp'))(
    'is the timestep, also between timesteps: %o',
    (path) => {
      const table = vpSigmas((path as Extract<PathConfig, { kind: 'vp' }>).noise)
      for (const [i, value] of told(path, table).entries()) expect(value).toBeCloseTo(i, 4)
      const middle = Math.sqrt(table[2]! * table[3]!)
      expect(told(path, [middle])[0]).toBeCloseTo(2.5, 4)
      expect(told(path, [table[0]! / 2, table.at(-1)! * 2])).toEqual([0, table.length - 1])
    },
  )

  it('is t of a flow', () => {
    for (const [i, value] of told({ kind: 'flow' }, [1 / 3, 1, 9]).entries())
      expect(value).toBeCloseTo([0.25, 0.5, 0.9][i]!, 14)
  })
})
