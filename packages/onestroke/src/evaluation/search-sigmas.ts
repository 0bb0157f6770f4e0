/** Which noise levels a student is best sampled at. */
import { multistepSigmas } from '@onestroke/core/consistency'
import { betterBeyondNoise, type PairedLogRatio, pairedLogRatio } from '../metrics/index.js'
import type { Judge } from './judge.js'
import { type Painting, type Prompting, sharedPainter } from './shared-steps.js'

/** Step counts for which levels are searched. */
export const MOST_STEPS = 4
/** Levels that are tried for each further step: at most so many, spaced evenly in the logarithm, between these shares of sigma_max and sigma_data. */
export const CANDIDATES = 6
const [HIGHEST, LOWEST] = [0.4, 0.05]
/** How many of them, the best from the first noise, are compared with the rule's levels from the other noises. */
export const FINALISTS = 2
/** Seeds of the noise by which levels are chosen, which no evaluation uses. */
export const SEARCH_SEEDS = [977, 1977, 2977, 3977]

export interface SearchOptions {
  /** Levels that are tried for each further step; by default 6. */
  readonly candidates?: number
  /** How many of them are compared with the rule's levels from the other noises; by default 2. */
  readonly finalists?: number
  /** The first shortlists, the others decide. */
  readonly seeds?: readonly number[]
  onProgress?(done: number, total: number): void
}

/** What the search found for a number of steps. */
export interface FoundLevels {
  readonly steps: number
  /** The best levels that were tried, decreasing. */
  readonly sigmas: readonly number[]
  /** Their Fréchet distances against those of the rule's levels, from the seeds that decide. */
  readonly ratio: PairedLogRatio
  /** Whether they are better than the rule's beyond the noise. If not, the rule's levels stay. */
  readonly better: boolean
}

/**
 * Looks for noise levels for 2, 3 and 4 steps whose pictures come nearer to the data than those of the rule
 * (`multistepSigmas`), greedily: the levels for k steps are those for k − 1 and one further level. (Song et al. 2023,
 * §6, search theirs one by one as well.) The first is always sigma_max, where pictures start.
 *
 * One noise cannot tell which levels are better: it moves the distance by more than levels do. So all candidates are
 * painted from the first noise only, and the best of them together with the rule's levels from the others. The rule's
 * are replaced, also as the start for the next further level, only by levels that are better beyond the paired noise.
 * The first noise does not decide, because it flatters those that it has shortlisted.
 *
 * At γ = 1, where common steps are done once, the network paints each of the judge's prompts about 76 times (94 at most)
 * with four seeds: 28 times for the shortlists, 16 times for each seed that decides. For 922 pictures of 16×16, at the
 * shipped network's 0.6 ms on two cores, that is 44 seconds (54 at most), and 45 distances.
 */
export const searchSigmas = async (
  model: Painting,
  judge: Prompting & Pick<Judge, 'fid'>,
  {
    seeds = SEARCH_SEEDS,
    candidates: tries = CANDIDATES,
    finalists: most = FINALISTS,
    onProgress,
  }: SearchOptions = {},
): Promise<FoundLevels[]> => {
  const { config } = model
  const candidates = candidatesOf(config, tries)
  const [shortlisting, ...deciding] = seeds
  const paint = sharedPainter(model, judge)
  const each = tries + deciding.length * (most + 1)
  const total = each * (MOST_STEPS - 1)
  const found: FoundLevels[] = []
  let levels: readonly number[] = [config.sigma_max]
  for (let steps = 2; steps <= MOST_STEPS; steps++) {
    let done = each * (steps - 2)
    const fidOf = async (sigmas: readonly number[], seed: number) => {
      onProgress?.(done++, total)
      return judge.fid(await paint(sigmas, seed, levels))
    }
    const tried: { sigmas: readonly number[]; first: number }[] = []
    for (const level of candidates) {
      if (levels.includes(level)) continue
      const sigmas = [...levels, level].sort((a, b) => b - a)
      tried.push({ sigmas, first: await fidOf(sigmas, shortlisting!) })
    }
    const shortlist = tried.sort((a, b) => a.first - b.first).slice(0, most)
    const rule = { sigmas: multistepSigmas(steps, config), fids: [] as number[] }
    const finalists = shortlist.map(({ sigmas }) => ({ sigmas, fids: [] as number[] }))
    for (const seed of deciding)
      for (const one of [rule, ...finalists]) one.fids.push(await fidOf(one.sigmas, seed))
    const compared = finalists.map(({ sigmas, fids }) => ({
      steps,
      sigmas,
      ratio: pairedLogRatio(fids, rule.fids),
      better: betterBeyondNoise(fids, rule.fids),
    }))
    const winners = compared.filter(({ better }) => better)
    const best = lowest(winners.length > 0 ? winners : compared)
    levels = best.better ? best.sigmas : rule.sigmas
    found.push(best)
  }
  onProgress?.(total, total)
  return found
}

/** Two digits are enough for a level, and good to read. */
const candidatesOf = ({ sigma_max, sigma_data }: Painting['config'], count: number): number[] => {
  const [top, bottom] = [HIGHEST * sigma_max, LOWEST * sigma_data]
  return Array.from({ length: count }, (_, i) =>
    Number((top * (bottom / top) ** (i / (count - 1))).toPrecision(2)),
  )
}

const lowest = (found: readonly FoundLevels[]): FoundLevels =>
  found.reduce((best, one) => (one.ratio.mean < best.ratio.mean ? one : best))
