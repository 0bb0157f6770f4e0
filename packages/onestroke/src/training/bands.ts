/** Bands of noise levels, even over the Karras schedule. They show at which σ a training goes well. */
import { karrasPosition, karrasSigma, type NoiseRange } from '@onestroke/core/diffusion'

export const BANDS = 6

/** Limits of the bands, falling: band i lies between levels i and i + 1. */
export const bandLimits = (range: NoiseRange): number[] =>
  Array.from({ length: BANDS + 1 }, (_, i) => karrasSigma(i / BANDS, range))

/** The band of a noise level, 0 for the strongest noise. */
export const bandOf = (sigma: number, range: NoiseRange): number =>
  Math.min(Math.max(Math.floor(karrasPosition(sigma, range) * BANDS), 0), BANDS - 1)

/** A band's name in a sentence: "σ 5.1 to 20". */
export const bandName = (band: number, range: NoiseRange): string => {
  const [upper, lower] = bandLimits(range)
    .slice(band, band + 2)
    .map((limit) => Number(limit.toPrecision(2)))
  return `σ ${lower} to ${upper}`
}
