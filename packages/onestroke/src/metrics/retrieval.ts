import { checkDims, checkFeatures, type Features } from './features.js'
import { distanceOf, eachDistance } from './products.js'

/**
 * Whether prompts are followed: the share of generated pictures whose nearest real picture (top1), or one of the five
 * nearest (top5), is the one that the prompt names, by Euclidean distance of features. `expected[j]` is the index of
 * that real picture for generated picture j.
 *
 * Real pictures at exactly the same distance count as if their order were drawn at random, on average: features that
 * tell nothing apart score what guessing does, 1/n and 5/n of n real pictures.
 *
 * @returns both in [0, 1].
 * @throws UserError if a set is empty, a feature is not finite, or the features differ in length.
 * @throws RangeError if `expected` does not name a real picture for every generated one.
 */
export const promptRetrieval = (
  real: Features,
  generated: Features,
  expected: ArrayLike<number>,
): { top1: number; top5: number } => {
  checkDims(real, generated)
  checkFeatures(real, 1)
  checkFeatures(generated, 1)
  checkExpected(expected, real, generated)
  const marks = Float64Array.from(expected, (i, j) => distanceOf(real, i, generated, j))
  const nearer = new Uint32Array(generated.count)
  const tied = new Uint32Array(generated.count)
  eachDistance(real, generated, (i, j, distance) => {
    if (distance < marks[j]!) nearer[j]!++
    else if (distance === marks[j]! && i !== expected[j]) tied[j]!++
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
