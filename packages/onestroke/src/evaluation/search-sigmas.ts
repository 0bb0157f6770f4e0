/** Which noise levels a student is best sampled at. */
import type { Model } from '../model/index.js'
import type { Judge } from './judge.js'

/** Step counts for which levels are searched. */
const MOST_STEPS = 4
/** Levels that are tried for each further step: so many, spaced evenly in the logarithm, between these shares of sigma_max and sigma_data. */
const CANDIDATES = 10
const [HIGHEST, LOWEST] = [0.4, 0.05]

/**
 * Finds the noise levels for 2, 3 and 4 steps whose pictures come nearest to the data, greedily: the levels for k steps
 * are those for k − 1 and the one further level that helps most. (Song et al. 2023, §6, search theirs one by one as
 * well.) The first is always sigma_max, where pictures start.
 *
 * Draws its noise from the judge's seed: judge the result by another.
 *
 * @returns noise levels, decreasing, by number of steps.
 */
export const searchSigmas = async (
  model: Model,
  judge: Judge,
  onProgress?: (done: number, total: number) => void,
): Promise<Record<string, number[]>> => {
  const { sigma_max, sigma_data } = model.config
  const [top, bottom] = [HIGHEST * sigma_max, LOWEST * sigma_data]
  const candidates = Array.from({ length: CANDIDATES }, (_, i) =>
    round(top * (bottom / top) ** (i / (CANDIDATES - 1))),
  )
  const found: Record<string, number[]> = { 1: [sigma_max] }
  let levels = [sigma_max]
  let done = 0
  for (let steps = 2; steps <= MOST_STEPS; steps++) {
    let best = { levels, fid: Number.POSITIVE_INFINITY }
    for (const level of candidates) {
      onProgress?.(done++, CANDIDATES * (MOST_STEPS - 1))
      if (levels.includes(level)) continue
      const tried = [...levels, level].sort((a, b) => b - a)
      const { pictures } = await judge.paint(model, { sigmas: tried })
      const fid = await judge.fid(pictures)
      if (fid < best.fid) best = { levels: tried, fid }
    }
    levels = best.levels
    found[steps] = levels
  }
  onProgress?.(done, done)
  return found
}

/** Two digits are enough for a level, and good to read. */
const round = (sigma: number): number => Number(sigma.toPrecision(2))
