import { UserError } from '@onestroke/core/errors'

/** Rows of feature vectors: data is [count, dims], row-major. */
export interface Features {
  readonly data: Float32Array
  readonly count: number
  readonly dims: number
}

/**
 * @throws UserError if there are fewer than `atLeast` rows, or a feature is not finite.
 * @throws RangeError if the data do not have the stated shape.
 */
export const checkFeatures = ({ data, count, dims }: Features, atLeast = 2): void => {
  if (dims < 1 || data.length !== count * dims)
    throw new RangeError(`features of shape [${count}, ${dims}] cannot have ${data.length} values`)
  if (count < atLeast)
    throw new UserError(`expected the features of at least ${atLeast} pictures, found ${count}`)
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue
    const [picture, feature] = [Math.floor(i / dims), i % dims]
    throw new UserError(`features must be finite: feature ${feature} of picture ${picture} is ${data[i]}`)
  }
}

/** @throws UserError if the two sets have features of different length. */
export const checkDims = (a: { dims: number }, b: { dims: number }): void => {
  if (a.dims !== b.dims)
    throw new UserError(`the features of the two sets differ in length: ${a.dims} and ${b.dims}`)
}

/** Some rows of a set, in the given order. */
export const rowsOf = ({ data, dims }: Features, rows: ArrayLike<number>): Features => {
  const out = new Float32Array(rows.length * dims)
  for (let i = 0; i < rows.length; i++) {
    const start = rows[i]! * dims
    out.set(data.subarray(start, start + dims), i * dims)
  }
  return { data: out, count: rows.length, dims }
}
