/**
 * Root mean squared difference of two batches of pictures, over all pictures, channels and pixels. a, b: equal shapes,
 * in [-1, 1]; a metric.
 *
 * @returns in [0, 2] for pictures within [-1, 1]; NaN if a pixel is.
 * @throws RangeError if the batches differ in size, or are empty.
 */
export const teacherDistance = (a: Float32Array, b: Float32Array): number => {
  if (a.length !== b.length)
    throw new RangeError(`the batches differ in size: ${a.length} and ${b.length} values`)
  if (a.length === 0) throw new RangeError('there are no pictures to compare')
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2
  return Math.sqrt(sum / a.length)
}
