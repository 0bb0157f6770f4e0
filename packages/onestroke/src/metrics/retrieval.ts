import { checkDims, checkFeatures, type Features } from './features.js'
import { distanceOf, eachDistance } from './products.js'

/**
 * Whether prompts are followed: the share of generated pictures whose nearest real picture (top1), or one of the five
 * nearest (top5), is one that the prompt names, by Euclidean distance of features. `expected[j]` is the index of such
 * a real picture for generated picture j; where several have one name, `groups[i]` says which real pictures i belong
 * together, and any of them is right.
 *
 * Real pictures at exactly the same distance count as if their order were drawn at random, on average: features that
 * tell nothing apart score what guessing does, 1/n and 5/n of n real pictures.
 *
 * @returns both in [0, 1].
 * @throws UserError if a set is empty, a feature is not finite, or the features differ in length.
 * @throws RangeError if `expected` does not name a real picture for every generated one, or `groups` has another
 * length than there are real pictures.
 */
export const promptRetrieval = (
  real: Features,
  generated: Features,
  expected: ArrayLike<number>,
  groups: ArrayLike<number> = Array.from({ length: real.count }, (_, i) => i),
): { top1: number; top5: number } => {
  checkDims(real, generated)
  checkFeatures(real, 1)
  checkFeatures(generated, 1)
  checkExpected(expected, real, generated)
  if (groups.length !== real.count)
    throw new RangeError(`groups: ${groups.length} numbers for ${real.count} real pictures`)
  const members = new Map<number, number[]>()
  for (let i = 0; i < real.count; i++) members.set(groups[i]!, [...(members.get(groups[i]!) ?? []), i])
  const marks = Float64Array.from(expected, (named, j) =>
    Math.min(...members.get(groups[named]!)!.map((i) => distanceOf(real, i, generated, j))),
  )
  const nearer = new Uint32Array(generated.count)
  const tied = new Uint32Array(generated.count)
  eachDistance(real, generated, (i, j, distance) => {
    if (groups[i] === groups[expected[j]!]) return
    if (distance < marks[j]!) nearer[j]!++
    else if (distance === marks[j]!) tied[j]!++
  })
  const top = (k: number): number => {
    let sum = 0
    for (let j = 0; j < generated.count; j++)
      sum += Math.min(Math.max((k - nearer[j]!) / (tied[j]! + 1), 0), 1)
    return sum / generated.count
  }
  return { top1: top(1), top5: top(5) }
}

const checkExpected = (expected: ArrayLike<number>, real: Features, generated: Features): void => {
  if (expected.length !== generated.count)
    throw new RangeError(`expected: ${expected.length} indices for ${generated.count} generated pictures`)
  for (let j = 0; j < expected.length; j++) {
    const index = expected[j]!
    if (!Number.isInteger(index) || index < 0 || index >= real.count)
      throw new RangeError(`expected[${j}]: ${index} is not one of ${real.count} real pictures`)
  }
}

/** Index of the real picture that is nearest to each generated one in feature space; the first of equals. */
export const nearestReal = (real: Features, generated: Features): Uint32Array => {
  checkDims(real, generated)
  checkFeatures(real, 1)
  checkFeatures(generated, 1)
  const nearest = new Uint32Array(generated.count)
  const least = new Float64Array(generated.count).fill(Number.POSITIVE_INFINITY)
  eachDistance(real, generated, (i, j, distance) => {
    if (distance >= least[j]!) return
    least[j] = distance
    nearest[j] = i
  })
  return nearest
}
