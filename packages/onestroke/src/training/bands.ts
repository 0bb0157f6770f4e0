/** Noise levels in bands, even over the Karras schedule: where, in σ, a training goes well or ill. */
import { karrasSigma, type NoiseRange } from '@onestroke/core/diffusion'

export const BANDS = 6

/** Limits of the bands, falling: band i lies between levels i and i + 1. */
export const bandLimits = (range: NoiseRange): number[] =>
  Array.from({ length: BANDS + 1 }, (_, i) => karrasSigma(i / BANDS, range))

/** The band of a noise level, 0 for the strongest noise. */
export const bandOf = (sigma: number, limits: readonly number[]): number => {
  const i = limits.findIndex((limit) => sigma > limit)
  return i < 0 ? BANDS - 1 : Math.max(0, i - 1)
}

/** How a band is called in a sentence: "σ 5.1 to 20". */
export const bandName = (band: number, limits: readonly number[]): string =>
  `σ ${Number(limits[band + 1]!.toPrecision(2))} to ${Number(limits[band]!.toPrecision(2))}`
