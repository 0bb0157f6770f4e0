/**
 * What a network predicts: how its output F becomes the denoiser D(x; σ) = c_skip(σ)·x + c_out(σ)·F on the
 * variance-exploding path x = x₀ + σε, whatever path the network itself was trained on (see path.ts for its inputs).
 */
import { constant, type Tensor } from '../tensor/index.js'

/** Noise levels as predictions and paths read them. */
export interface NoiseLevels {
  /** [B], positive. */
  readonly sigma: Tensor
  /** Standard deviation of the pictures' values. */
  readonly sigma_data: number
  /** σ² + σd², the variance of x: [B]. */
  readonly variance: Tensor
}

export const noiseLevels = (sigma: Tensor, sigma_data: number): NoiseLevels => ({
  sigma,
  sigma_data,
  variance: sigma.square().add(sigma_data ** 2),
})

/** D = c_skip·x + c_out·F, one number for each picture: [B], made from sigma, so that graphs take batches of any size. */
export interface Scalings {
  readonly c_skip: Tensor
  readonly c_out: Tensor
}

export interface Prediction {
  /** One line for `--help`. */
  readonly about: string
  scalings(levels: NoiseLevels): Scalings
  /** The same with the identity at sigma_min, where the prediction has a form of its own; see `boundary`. */
  boundary?(levels: NoiseLevels, sigma_min: number): Scalings
}

export type PredictionName = 'edm' | 'epsilon' | 'v' | 'x0' | 'flow'

export const PREDICTIONS: Readonly<Record<PredictionName, Prediction>> = {
  edm: {
    about: 'picture and noise in a mixture that has unit variance at every noise level (EDM)',
    /** Karras et al. 2022, table 1, column "Ours". */
    scalings: ({ sigma, sigma_data, variance }) => ({
      c_skip: variance.reciprocal().mul(sigma_data ** 2),
      c_out: sigma.mul(sigma_data).mul(variance.pow(-0.5)),
    }),
    /** Song et al. 2023, appendix C. */
    boundary({ sigma, sigma_data, variance }, sigma_min) {
      const above = sigma.sub(sigma_min)
      return {
        // A division, so that it is 1 to the last bit where above = 0.
        c_skip: constant(sigma_data ** 2).div(above.square().add(sigma_data ** 2)),
        c_out: above.mul(sigma_data).mul(variance.pow(-0.5)),
      }
    },
  },
  epsilon: {
    about: 'the noise (DDPM)',
    /** F = ε (Ho et al. 2020): D = x − σF. */
    scalings: ({ sigma }) => ({
      c_skip: sigma.mul(0).add(1),
      c_out: sigma.neg(),
    }),
  },
  v: {
    about: 'the velocity between picture and noise, √ᾱ·ε − √(1 − ᾱ)·x₀',
    /** Salimans & Ho 2022, appendix D, with ᾱ = 1/(1 + σ²): D = ᾱx − √(1 − ᾱ)F. */
    scalings({ sigma }) {
      const power = sigma.square().add(1)
      return {
        c_skip: power.reciprocal(),
        c_out: sigma.mul(power.pow(-0.5)).neg(),
      }
    },
  },
  x0: {
    about: 'the picture itself, which large patches need (JiT)',
    /** F = x₀ (Li & He 2025): D = F. No noise passes by the network. */
    scalings: ({ sigma }) => ({
      c_skip: sigma.mul(0),
      c_out: sigma.mul(0).add(1),
    }),
  },
  flow: {
    about: 'the velocity of a straight line from picture to noise, ε − x₀ (rectified flow)',
    /** Liu et al. 2022, with t = σ/(1 + σ) and z = (1 − t)x: D = z − tF. */
    scalings({ sigma }) {
      const share = sigma.add(1).reciprocal()
      return {
        c_skip: share,
        c_out: sigma.mul(share).neg(),
      }
    },
  },
}

export const PREDICTION_NAMES = Object.keys(PREDICTIONS) as readonly PredictionName[]

/**
 * The consistency boundary on top of a prediction: c_skip = 1 and c_out = 0 at σ = sigma_min, so that the denoiser is the
 * identity there whatever the network's weights (Song et al. 2023, eq. 5). A prediction without a form of its own becomes
 * D + (sigma_min/σ)(x − D), which for a diffusion model's D is a DDIM step to sigma_min.
 */
export const boundary = (prediction: Prediction, levels: NoiseLevels, sigma_min: number): Scalings => {
  if (prediction.boundary) return prediction.boundary(levels, sigma_min)
  const { c_skip, c_out } = prediction.scalings(levels)
  const stays = constant(sigma_min).div(levels.sigma)
  const goes = stays.neg().add(1)
  return {
    c_skip: stays.add(goes.mul(c_skip)),
    c_out: goes.mul(c_out),
  }
}

/**
 * √(1/λ) of EDM's loss weight (Karras et al. 2022, table 1), σσd/√(σ² + σd²): the deviation of the pictures x₀ of a
 * Gaussian from D(x; σ), and with it the unit in which errors of D count alike at every noise level. [B]
 */
export const errorUnit = (sigma: Tensor, sigma_data: number): Tensor =>
  PREDICTIONS.edm.scalings(noiseLevels(sigma, sigma_data)).c_out
