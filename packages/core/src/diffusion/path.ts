/**
 * The path from pictures to noise that a network was trained on. Everything here speaks of the variance-exploding path
 * x = x₀ + σε; a path is a change of variables, which decides what the network is given: c_in·x and c_noise.
 */
import { z } from 'zod'
import { constant, type Tensor } from '../tensor/index.js'
import type { NoiseLevels } from './prediction.js'

/** No network was trained on more timesteps. */
const MOST_TIMESTEPS = 100_000
const timesteps = z.int().min(2).max(MOST_TIMESTEPS)
const share = z.number().gt(0).lt(1)

/** The noise of a variance-preserving process, in diffusers' words: its β, or its ᾱ, which fall. */
const vpNoise = z.union([
  z.strictObject({
    beta_schedule: z.enum(['linear', 'scaled_linear']),
    beta_start: share,
    beta_end: share,
    num_train_timesteps: timesteps,
  }),
  z.strictObject({
    alphas_cumprod: z
      .array(share)
      .min(2)
      .max(MOST_TIMESTEPS)
      .refine(
        (list) => list.every((alpha, i) => i === 0 || alpha < list[i - 1]!),
        'alphas_cumprod must fall',
      ),
  }),
])
export type VpNoise = z.infer<typeof vpNoise>

export const pathSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ve') }),
  z.strictObject({ kind: z.literal('vp'), noise: vpNoise }),
  z.strictObject({ kind: z.literal('flow') }),
])
export type PathConfig = z.infer<typeof pathSchema>
export type PathKind = PathConfig['kind']

/** What a network is given: c_in·x, and c_noise for the noise level. Numbers for each picture, [B]. */
export interface NetworkScales {
  readonly c_in: Tensor
  readonly c_noise: Tensor
}

interface Path<Config> {
  /** One line for people. */
  readonly about: string
  scales(levels: NoiseLevels, config: Config): NetworkScales
}

const PATHS: { readonly [K in PathKind]: Path<Extract<PathConfig, { kind: K }>> } = {
  ve: {
    about: 'variance exploding, x₀ + σε: the network is given unit variance, and ¼ ln σ',
    /** Karras et al. 2022, table 1, column "Ours". */
    scales: ({ sigma, variance }) => ({
      c_in: variance.pow(-0.5),
      c_noise: sigma.log().mul(0.25),
    }),
  },
  vp: {
    about:
      'variance preserving, √ᾱ·x₀ + √(1 − ᾱ)·ε: the network is given the timestep, which may be fractional',
    /** Ho et al. 2020: √ᾱ = 1/√(1 + σ²). */
    scales: ({ sigma }, { noise }) => ({
      c_in: sigma.square().add(1).pow(-0.5),
      c_noise: timestepOf(sigma, vpSigmas(noise)),
    }),
  },
  flow: {
    about: 'rectified flow, (1 − t)·x₀ + t·ε: the network is given t',
    /** Liu et al. 2022: t = σ/(1 + σ). */
    scales({ sigma }) {
      const c_in = sigma.add(1).reciprocal()
      return { c_in, c_noise: sigma.mul(c_in) }
    },
  },
}

/** What a network of a path is given at these noise levels. */
export const networkScales = (path: PathConfig, levels: NoiseLevels): NetworkScales => {
  switch (path.kind) {
    case 've':
      return PATHS.ve.scales(levels, path)
    case 'vp':
      return PATHS.vp.scales(levels, path)
    case 'flow':
      return PATHS.flow.scales(levels, path)
    default:
      return path satisfies never
  }
}

/** What a path is, in one line. */
export const pathAbout = ({ kind }: PathConfig): string => PATHS[kind].about

/** σ = √((1 − ᾱ)/ᾱ) of every timestep, rising; ᾱ is the product of 1 − β (Ho et al. 2020, eq. 4). */
export const vpSigmas = (noise: VpNoise): number[] =>
  alphasCumprod(noise).map((alpha) => Math.sqrt((1 - alpha) / alpha))

const alphasCumprod = (noise: VpNoise): readonly number[] => {
  if ('alphas_cumprod' in noise) return noise.alphas_cumprod
  const { beta_schedule, beta_start, beta_end, num_train_timesteps: count } = noise
  const even = (from: number, to: number, i: number) => from + ((to - from) * i) / (count - 1)
  let product = 1
  return Array.from({ length: count }, (_, i) => {
    const beta =
      beta_schedule === 'linear'
        ? even(beta_start, beta_end, i)
        : even(Math.sqrt(beta_start), Math.sqrt(beta_end), i) ** 2
    product *= 1 - beta
    return product
  })
}

/**
 * The timestep of each σ [B] → [B], in [0, N − 1]: between the table's N levels linear in ln σ (k-diffusion's `sigma_to_t`),
 * and at its ends beyond it.
 */
const timestepOf = (sigma: Tensor, table: readonly number[]): Tensor => {
  const logs = table.map(Math.log)
  const below = logs.slice(0, -1)
  const gaps = below.map((log, i) => logs[i + 1]! - log)
  const shape = [1, below.length]
  return sigma
    .log()
    .reshape([sigma.size, 1])
    .sub(constant(below, shape))
    .div(constant(gaps, shape))
    .maximum(0)
    .minimum(1)
    .sum([1])
}
