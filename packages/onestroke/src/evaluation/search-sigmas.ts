/** Which noise levels a student is best sampled at. */
import { multistep } from '@onestroke/core/consistency'
import type { DenoiseFunction } from '@onestroke/core/diffusion'
import type { Pipeline } from '@onestroke/core/pipeline'
import { BATCH, type Judge } from './judge.js'
import { learnedGuidance } from './prompts.js'

/** What the search asks of a model, and of a judge. */
type Painting = Pick<Pipeline, 'config' | 'pictureSize' | 'denoiser' | 'noise'>
type Judging = Pick<Judge, 'samples' | 'seed' | 'batch' | 'fid'>

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
  model: Painting,
  judge: Judging,
  onProgress?: (done: number, total: number) => void,
): Promise<Record<string, number[]>> => {
  const { sigma_max, sigma_data } = model.config
  const [top, bottom] = [HIGHEST * sigma_max, LOWEST * sigma_data]
  const candidates = Array.from({ length: CANDIDATES }, (_, i) =>
    round(top * (bottom / top) ** (i / (CANDIDATES - 1))),
  )
  const found: Record<string, number[]> = { 1: [sigma_max] }
  const paint = painter(model, judge)
  let levels = [sigma_max]
  let done = 0
  for (let steps = 2; steps <= MOST_STEPS; steps++) {
    let best = { levels, fid: Number.POSITIVE_INFINITY }
    for (const level of candidates) {
      onProgress?.(done++, CANDIDATES * (MOST_STEPS - 1))
      if (levels.includes(level)) continue
      const tried = [...levels, level].sort((a, b) => b - a)
      const fid = await judge.fid(await paint(tried, levels))
      if (fid < best.fid) best = { levels: tried, fid }
    }
    levels = best.levels
    found[steps] = levels
  }
  onProgress?.(done, done)
  return found
}

/**
 * Makes what paints the judge's prompts with given levels, as `Judge.paint` would, but remembers the steps that other
 * levels share: those that begin as `levels` do.
 */
const painter = (model: Painting, judge: Judging) => {
  const { config } = model
  const { gamma } = config.sampling
  const known = new Map<string, Float32Array>()
  return async (tried: readonly number[], levels: readonly number[]): Promise<Float32Array> => {
    const other = tried.findIndex((level, i) => level !== levels[i])
    // Where noise does not take back all of a step, it also depends on the level that comes next.
    const shared = gamma === 1 ? other : other - 1
    const pictures = new Float32Array(judge.samples * model.pictureSize)
    for (let first = 0; first < judge.samples; first += BATCH) {
      const denoise = await model.denoiser(judge.batch(first), learnedGuidance(config))
      let step = 0
      const remembering: DenoiseFunction = async (x, sigma, s) => {
        if (step++ >= shared) return denoise(x, sigma, s)
        const key = [first, ...tried.slice(0, step), s].join()
        const D = known.get(key) ?? (await denoise(x, sigma, s))
        known.set(key, D)
        return D
      }
      const noise = (step: number) => model.noise(judge.seed, first, BATCH, step)
      const start = noise(0).map((value) => value * config.sigma_max)
      const painted = await multistep(remembering, start, tried, config, noise, { gamma })
      const here = Math.min(BATCH, judge.samples - first) * model.pictureSize
      pictures.set(painted.subarray(0, here), first * model.pictureSize)
      await new Promise(setImmediate)
    }
    return pictures
  }
}

/** Two digits are enough for a level, and good to read. */
const round = (sigma: number): number => Number(sigma.toPrecision(2))
