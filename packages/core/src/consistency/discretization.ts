/** Grids of noise levels on which discrete-time methods compare neighbours, and how they get finer. */
import { karrasSigma, type NoiseRange } from '../diffusion/index.js'

/** Level i (from the top, 0) of an N-level Karras grid from sigma_max to sigma_min, and the one below it. i < N − 1. */
export const neighbours = (i: number, N: number, range: NoiseRange): { t: number; r: number } => ({
  t: karrasSigma(i / (N - 1), range),
  r: i + 1 === N - 1 ? range.sigma_min : karrasSigma((i + 1) / (N - 1), range),
})

/** Levels of the grid that grows along a root: N(k) = ⌈√(k/K·((s₁+1)² − s₀²) + s₀²) − 1⌉ + 1 (Song et al. 2023, app. C). */
export const growingLevels = (progress: number, s0: number, s1: number): number =>
  Math.ceil(Math.sqrt(progress * ((s1 + 1) ** 2 - s0 ** 2) + s0 ** 2) - 1) + 1

/** Levels of the grid that doubles: N(k) = min(s₀·2^⌊k/K'⌋, s₁) + 1, K' = K/(log₂⌊s₁/s₀⌋ + 1) (Song & Dhariwal 2023, eq. 8). */
export const doublingLevels = (progress: number, s0: number, s1: number): number => {
  const stages = Math.floor(Math.log2(Math.max(1, Math.floor(s1 / s0)))) + 1
  return Math.min(s0 * 2 ** Math.floor(progress * stages), s1) + 1
}

/** What holds at this progress, where the list's items hold for equal parts of the training. */
export const stageOf = <T>(list: readonly T[], progress: number): T =>
  list[Math.min(list.length - 1, Math.floor(progress * list.length))]!
