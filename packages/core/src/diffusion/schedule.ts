/** Noise schedules: decreasing lists of σ, from sigma_max, that end in 0. */
import type { NoiseRange } from './denoiser.js'

export type ScheduleName = 'karras' | 'ddim' | 'linear'

export interface Schedule {
  /** One line for `--help`. */
  readonly about: string
  /** σ at position u, from sigma_max (0) to sigma_min (1), but for rounding at the ends. */
  sigma(u: number, range: NoiseRange): number
}

/** The Karras schedule is even in σ^(1/ρ) (Karras et al. 2022, eq. 5). */
export const RHO = 7

export const SCHEDULES: Readonly<Record<ScheduleName, Schedule>> = {
  karras: {
    about: `even in σ^(1/${RHO})`,
    /** Karras et al. 2022, eq. 5. */
    sigma: (u, range) => karrasSigma(u, range),
  },
  ddim: {
    about: 'even in the time of a DDPM',
    /**
     * Even in the time of a variance-preserving process with linear β from 1e-4 to 0.02 in 1000 steps (Ho et al. 2020), within
     * the model's range: what DDIM does when it skips steps (Song et al. 2020).
     */
    sigma(u, { sigma_min, sigma_max }) {
      const [top, bottom] = [vpTime(sigma_max), vpTime(sigma_min)]
      return vpSigma(top + u * (bottom - top))
    },
  },
  linear: {
    about: 'even in σ',
    sigma: (u, { sigma_min, sigma_max }) => sigma_max + u * (sigma_min - sigma_max),
  },
}

export const SCHEDULE_NAMES = Object.keys(SCHEDULES) as readonly ScheduleName[]

/** σ at position u ∈ [0, 1] of the Karras schedule, from sigma_max (0) to sigma_min (1). Karras et al. 2022, eq. 5. */
export const karrasSigma = (u: number, { sigma_min, sigma_max }: NoiseRange, rho = RHO): number => {
  // Without rounding at the ends.
  if (u === 0) return sigma_max
  if (u === 1) return sigma_min
  const top = sigma_max ** (1 / rho)
  return (top + u * (sigma_min ** (1 / rho) - top)) ** rho
}

/** The position of a σ: the inverse of `karrasSigma`; below 0 or above 1 outside of the range. */
export const karrasPosition = (sigma: number, { sigma_min, sigma_max }: NoiseRange, rho = RHO): number => {
  const top = sigma_max ** (1 / rho)
  return (top - sigma ** (1 / rho)) / (top - sigma_min ** (1 / rho))
}

/** The nearest σ within the range. */
export const clampSigma = (sigma: number, { sigma_min, sigma_max }: NoiseRange): number =>
  Math.min(Math.max(sigma, sigma_min), sigma_max)

/**
 * `steps` + 1 noise levels, the last of which is 0.
 *
 * @throws RangeError unless `steps` is a positive integer.
 */
export const noiseSchedule = (name: ScheduleName, steps: number, range: NoiseRange): number[] => {
  checkSteps(steps)
  return [...Array.from({ length: steps }, (_, i) => noiseLevel(name, i, steps, range)), 0]
}

/** Level i of `noiseSchedule`, 0 ≤ i < steps. */
export const noiseLevel = (name: ScheduleName, i: number, steps: number, range: NoiseRange): number => {
  const { sigma_min, sigma_max } = range
  if (i === 0) return sigma_max
  if (i === steps - 1) return sigma_min
  return SCHEDULES[name].sigma(i / (steps - 1), range)
}

/**
 * The same for DDIM, which skips steps: `steps` levels from sigma_max on, evenly spaced on the way to sigma_min but without it,
 * and 0. Every step then is a real one, where the last of `noiseSchedule` hardly moves (`trailing` spacing: Lin et al. 2023, §3.3).
 *
 * @throws RangeError unless `steps` is a positive integer.
 */
export const trailingSchedule = (name: ScheduleName, steps: number, range: NoiseRange): number[] => {
  checkSteps(steps)
  return [...noiseSchedule(name, steps + 1, range).slice(0, -2), 0]
}

const checkSteps = (steps: number): void => {
  if (!Number.isInteger(steps) || steps < 1)
    throw new RangeError(`steps must be a positive integer, not ${steps}`)
}

/** σ(t) = √((1 − ᾱ)/ᾱ) of the continuous limit: −ln ᾱ(t) = β₀t + (β₁ − β₀)t²/2, t ∈ [0, 1], β in units of 1/1000. */
const [BETA_0, BETA_1] = [0.1, 20]
export const vpSigma = (t: number): number =>
  Math.sqrt(Math.expm1(BETA_0 * t + ((BETA_1 - BETA_0) * t * t) / 2))
/** The inverse of `vpSigma`. */
export const vpTime = (sigma: number): number => {
  const slope = BETA_1 - BETA_0
  return (Math.sqrt(BETA_0 ** 2 + 2 * slope * Math.log1p(sigma * sigma)) - BETA_0) / slope
}
