/**
 * The middle one, or the mean of the two middle ones.
 *
 * @param {readonly number[]} values
 */
export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b)
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  if (low === undefined || high === undefined) throw new RangeError('there is no median of nothing')
  return (low + high) / 2
}

/**
 * @param {number} value
 * @param {number} [digits] that count
 */
export const rounded = (value, digits = 4) => Number(value.toPrecision(digits))

/** @param {readonly number[]} values */
export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length

/**
 * Standard deviation of a sample; 0 where there is one value.
 *
 * @param {readonly number[]} values
 */
export const spread = (values) => {
  const middle = mean(values)
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0)
  return values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0
}
