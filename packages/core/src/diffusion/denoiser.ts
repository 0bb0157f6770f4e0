import { type NetworkConfig, network, type Scope, type Tap } from '../nn/index.js'
import type { Tensor } from '../tensor/index.js'
import { networkScales, type PathConfig } from './path.js'
import { perPicture } from './per-picture.js'
import { boundary, noiseLevels, PREDICTIONS, type PredictionName } from './prediction.js'

/**
 * Prompts, under the names of the inputs that their conditioner makes; and what guidance leads away from, under the names
 * of `negativeName`, for models that take the guidance scale as input.
 */
export interface PromptTensors {
  readonly [promptInput: string]: Tensor | undefined
}

/** What a denoiser is told beside the picture and its noise level: one record, from the prompts to the network. */
export interface Condition extends PromptTensors {
  /** [B]; 1 means no guidance. */
  readonly guidance_scale?: Tensor
  /** [B]; for flow maps, the noise level to jump to, 0 ≤ s ≤ σ; see `jump`. */
  readonly s?: Tensor
}

/** The noise levels a model is made for. */
export interface NoiseRange {
  readonly sigma_min: number
  readonly sigma_max: number
  readonly sigma_data: number
}

/** How a network becomes a denoiser. */
export interface Parametrization {
  /** What the network predicts. */
  readonly prediction: PredictionName
  /** The path that it was trained on, which decides what it is given. */
  readonly path: PathConfig
  /** Whether it is the identity at sigma_min, as a consistency function must be; see `boundary`. */
  readonly boundary: boolean
}

/** How diffusion models here are read, unless somebody chooses otherwise. */
export const EDM: Parametrization = { prediction: 'edm', path: { kind: 've' }, boundary: false }

export interface DenoiserConfig extends NoiseRange, Parametrization {
  readonly network: NetworkConfig
}

/**
 * D(x; σ, c) → x̂₀: the one object that solvers, samplers and methods know, whatever the network behind it.
 * For a diffusion model it is the posterior mean E[x₀ | x]; for a consistency model the end of x's trajectory; for a
 * flow map what a single DDIM step must be told, to land on x's trajectory at noise level s.
 */
export interface Denoiser {
  readonly range: NoiseRange
  /** x [B, …] at noise level sigma [B] → x̂₀ [B, …]. */
  denoise(x: Tensor, sigma: Tensor, condition?: Condition): Tensor
}

/** A denoiser from a network with weights from `scope`. `tap` is shown the network's waist. */
export const networkDenoiser = (scope: Scope, config: DenoiserConfig, tap?: Tap): Denoiser => ({
  range: config,
  denoise(x, sigma, { s, ...condition } = {}) {
    const { sigma_data, sigma_min } = config
    const levels = noiseLevels(sigma, sigma_data)
    const prediction = PREDICTIONS[config.prediction]
    const { c_skip, c_out } = config.boundary
      ? boundary(prediction, levels, sigma_min)
      : prediction.scalings(levels)
    const { c_in, c_noise } = networkScales(config.path, levels)
    const inputs = {
      x: x.mul(perPicture(c_in, x)),
      c_noise,
      ...condition,
      ...(s && {
        c_jump: s
          .div(sigma_data)
          .atan()
          .mul(2 / Math.PI),
      }),
    }
    const F = network(scope, inputs, config.network, tap)
    return x.mul(perPicture(c_skip, x)).add(F.mul(perPicture(c_out, x)))
  },
})

/**
 * x at noise level t, brought to noise level s: x_s = D + (s/t)(x − D), a DDIM step with D = D(x; t, s). With a
 * diffusion model's D that is an approximation; with a flow map's, which is told s, it is the trajectory's own point
 * (the parametrisation of Kim et al. 2024, eq. 9). Whatever D is, a jump to t itself stays at x. t, s: [B].
 */
export const jump = (denoiser: Denoiser, x: Tensor, t: Tensor, s: Tensor, condition: Condition): Tensor => {
  const D = denoiser.denoise(x, t, { ...condition, s })
  return D.add(x.sub(D).mul(perPicture(s.div(t), x)))
}

/**
 * Classifier-free guidance (Ho & Salimans 2022): D_u + w(D_c − D_u), with w = `guidance_scale` [B]. w = 1 is no
 * guidance. `unconditional` is the dropped prompt, or a negative one, under the names of the prompt's inputs.
 */
export const guided = (
  denoiser: Denoiser,
  unconditional: PromptTensors,
  guidance_scale: Tensor,
): Denoiser => ({
  range: denoiser.range,
  denoise(x, sigma, condition) {
    const base = denoiser.denoise(x, sigma, { ...condition, ...unconditional })
    const named = denoiser.denoise(x, sigma, condition)
    return base.add(named.sub(base).mul(perPicture(guidance_scale, x)))
  },
})
