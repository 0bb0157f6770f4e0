/**
 * For tests only (not exported from the package): distributions of pictures whose denoiser is known in closed form,
 * once as a graph and once in plain float64, and trajectories of their probability-flow ODE.
 */
import { Random } from '../random/index.js'
import { constant, interpret, type ReferenceValues, type Shape, type Tensor, trace } from '../tensor/index.js'
import type { Denoiser, NoiseRange } from './denoiser.js'
import type { LossContext } from './objective.js'
import type { DenoiseFunction } from './solvers.js'

/**
 * A mixture of Gaussians N(mean_k, std²·I) with weights ∝ exp(logits_k). The numbers should be float32 numbers, as the
 * graph's constants are. std 0 gives point masses.
 */
export interface Mixture {
  readonly logits: readonly number[]
  readonly means: readonly (readonly number[])[]
  readonly std: number
}

export const gaussian = (mean: readonly number[], std: number): Mixture => ({
  logits: [0],
  means: [mean],
  std,
})

/** Pictures of two pixels: one bell, and a mixture of two. */
export const bell = gaussian([0.25, -0.75], 0.5)
export const mixture: Mixture = {
  logits: [0, 0.5],
  means: [
    [0.75, 0.25],
    [-0.5, -0.25],
  ],
  std: 0.25,
}

/** All numbers exact in float32. sigma_data is that of no particular distribution. */
export const RANGE: NoiseRange = { sigma_min: 1 / 64, sigma_max: 8, sigma_data: 0.5 }

/** E[x₀ | x₀ + σε = x] as a graph: x [B, C, H, W] with C·H·W = the length of a mean. */
export const denoiserOf = ({ logits, means, std }: Mixture, range: NoiseRange = RANGE): Denoiser => ({
  range,
  denoise(x, sigma) {
    const [b, k, n] = [x.shape[0]!, means.length, means[0]!.length]
    const variance = sigma.square().add(std ** 2)
    const mean = constant(means.flat(), [1, k, n])
    const offset = x.reshape([b, 1, n]).sub(mean)
    const share = offset
      .sumSquares([2])
      .div(variance.mul(-2).reshape([b, 1]))
      .add(constant(logits, [1, k]))
      .softmax()
    const pull = variance
      .reciprocal()
      .mul(std ** 2)
      .reshape([b, 1, 1])
    const posterior = mean.add(offset.mul(pull))
    return posterior
      .mul(share.reshape([b, k, 1]))
      .sum([1])
      .reshape(x.shape)
  },
})

/** The same for one picture, in float64. */
export const posteriorMean = (
  { logits, means, std }: Mixture,
  x: readonly number[],
  sigma: number,
): number[] => {
  const variance = sigma ** 2 + std ** 2
  const exponents = means.map(
    (mean, k) => logits[k]! - mean.reduce((sum, m, i) => sum + (x[i]! - m) ** 2, 0) / (2 * variance),
  )
  const top = Math.max(...exponents)
  const powers = exponents.map((e) => Math.exp(e - top))
  const total = powers.reduce((a, b) => a + b)
  return x.map((value, i) =>
    means.reduce(
      (sum, mean, k) => sum + (powers[k]! / total) * (mean[i]! + (std ** 2 / variance) * (value - mean[i]!)),
      0,
    ),
  )
}

/** The ODE's solution through x at noise level `from`, at level `to` > 0: classical Runge–Kutta in ln σ. */
export const trajectory = (
  mixture: Mixture,
  x: readonly number[],
  from: number,
  to: number,
  steps = 800,
): number[] => {
  const h = Math.log(to / from) / steps
  const slope = (at: readonly number[], i: number) => {
    const denoised = posteriorMean(mixture, at, from * Math.exp(i * h))
    return at.map((value, j) => value - denoised[j]!)
  }
  const along = (at: readonly number[], d: readonly number[], by: number) =>
    at.map((value, j) => value + by * d[j]!)
  let state = [...x]
  for (let i = 0; i < steps; i++) {
    const a = slope(state, i)
    const b = slope(along(state, a, h / 2), i + 0.5)
    const c = slope(along(state, b, h / 2), i + 0.5)
    const d = slope(along(state, c, h), i + 1)
    state = state.map((value, j) => value + (h / 6) * (a[j]! + 2 * b[j]! + 2 * c[j]! + d[j]!))
  }
  return state
}

/** The same for a single Gaussian, in closed form; `to` may be 0. */
export const gaussianTrajectory = (
  mean: readonly number[],
  std: number,
  x: readonly number[],
  from: number,
  to: number,
): number[] => {
  const scale = Math.sqrt((std ** 2 + to ** 2) / (std ** 2 + from ** 2))
  return x.map((value, i) => mean[i]! + (value - mean[i]!) * scale)
}

/** A mixture's denoiser as solvers want it, and the noise levels that it was called at. */
export const denoiseFunction = (mixture: Mixture): { denoise: DenoiseFunction; calls: number[] } => {
  const n = mixture.means[0]!.length
  const calls: number[] = []
  const denoise: DenoiseFunction = async (x, sigma) => {
    calls.push(sigma)
    const pictures = Array.from({ length: x.length / n }, (_, i) => [...x.subarray(i * n, (i + 1) * n)])
    return Float32Array.from(pictures.flatMap((picture) => posteriorMean(mixture, picture, sigma)))
  }
  return { denoise, calls }
}

/** Builds and runs a program on the float64 interpreter. Each input has a shape and values. */
export const compute = (
  inputs: Readonly<Record<string, readonly [shape: Shape, values: ReferenceValues]>>,
  body: (tensors: Record<string, Tensor>) => Record<string, Tensor>,
): Record<string, number[]> => {
  const specs = Object.fromEntries(Object.entries(inputs).map(([name, [shape]]) => [name, shape]))
  const values = Object.fromEntries(Object.entries(inputs).map(([name, [, given]]) => [name, given]))
  const results = interpret(trace(specs, body), values)
  return Object.fromEntries(Object.entries(results).map(([name, result]) => [name, [...result]]))
}

export const generator = (seed: number): Random => new Random({ seed, stream: 0, step: 0, index: 0 })

export const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.hypot(...Array.from(a, (value, i) => value - b[i]!))

/** The largest difference between the samples' distribution and the one with the given distribution function. */
export const kolmogorov = (samples: readonly number[], cdf: (x: number) => number): number => {
  const sorted = [...samples].sort((a, b) => a - b)
  return Math.max(
    ...sorted.map((x, i) =>
      Math.max(Math.abs(cdf(x) - i / sorted.length), Math.abs(cdf(x) - (i + 1) / sorted.length)),
    ),
  )
}

/**
 * A loss's context from what a test is about: the student gives its own targets, jumps end at sigma_min, pictures are judged at
 * the level that they were painted from.
 */
export const contextOf = (
  given: Pick<LossContext, 'student' | 'x0' | 'noise' | 't' | 'r'> & Partial<LossContext>,
): LossContext => ({
  target: given.student,
  s: given.t.zerosLike().add(given.student.range.sigma_min),
  start: given.t,
  renoise: given.noise,
  condition: {},
  progress: constant(0.5),
  ...given,
})
