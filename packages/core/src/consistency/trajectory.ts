/** Along the teacher's trajectories: noise levels of its steps, and batches of points on them. */
import { type Condition, type NoiseRange, RHO } from '../diffusion/index.js'
import { constant, joined, type Tensor } from '../tensor/index.js'

/**
 * Levels from t [B] down to sigma_min, in steps of which `steps` lead there from sigma_max, equally long on the Karras schedule.
 * Levels that would lie below sigma_min are sigma_min.
 *
 * @returns steps + 1 levels, [B] each.
 * @throws RangeError unless `steps` is a positive integer.
 */
export const stepsDown = (t: Tensor, steps: number, { sigma_min, sigma_max }: NoiseRange): Tensor[] => {
  const bottom = sigma_min ** (1 / RHO)
  const step = constant((sigma_max ** (1 / RHO) - bottom) / steps)
  return levelsFrom(t, t.zerosLike().add(sigma_min), steps, step)
}

/** Levels from t down to r, [B] with r ≤ t, in steps equally long on the Karras schedule; see `stepsDown`. */
export const stepsBetween = (t: Tensor, r: Tensor, steps: number): Tensor[] =>
  levelsFrom(
    t,
    r,
    steps,
    t
      .pow(1 / RHO)
      .sub(r.pow(1 / RHO))
      .mul(1 / steps),
  )

const levelsFrom = (t: Tensor, r: Tensor, steps: number, step: Tensor): Tensor[] => {
  if (!Number.isInteger(steps) || steps < 1)
    throw new RangeError(`substeps must be a positive integer, not ${steps}`)
  const [top, bottom] = [t.pow(1 / RHO), r.pow(1 / RHO)]
  const between = Array.from({ length: steps - 1 }, (_, i) =>
    top
      .sub(step.mul(i + 1))
      .maximum(bottom)
      .pow(RHO),
  )
  return [t, ...between, r]
}

/** `count` of the items, evenly spaced from the first on; all of them if there are no more. */
export const evenly = <T>(items: readonly T[], count: number): T[] => {
  const taken = Math.min(count, items.length)
  return Array.from({ length: taken }, (_, i) => items[Math.floor((i * items.length) / taken)]!)
}

/** A batch, `times` times over: [B, …] → [times·B, …]. */
export const repeated = (batch: Tensor, times: number): Tensor =>
  joined(Array.from({ length: times }, () => batch))

/** The same of every part of a condition. */
export const repeatedCondition = (condition: Condition, times: number): Condition =>
  Object.fromEntries(Object.entries(condition).map(([name, part]) => [name, repeated(part!, times)]))
