import { Random, STREAM } from '@onestroke/core/random'
import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import { checkFeatures, type Features } from './features.js'
import { addProducts } from './products.js'

/** Principal components of a set: where its rows vary most. */
export interface Components {
  /** [from] */
  readonly mean: Float64Array
  /** [to, from]: orthonormal rows, those of most variance first. */
  readonly axes: Float64Array
  readonly from: number
  readonly to: number
}

/** Eigenvectors of matrices up to this size are taken all at once, beyond it the leading ones by iteration. */
const EXACT = 200
/** Vectors that are iterated beside those that are wanted: the more, the faster the wanted ones are found. */
const BESIDE = 16
const ITERATIONS = 16
/** Share of the greatest variance below which there is none. */
const NOTHING = 1e-9
/** Rows that are projected at once. */
const CHUNK = 256

/**
 * The first `most` principal components of a set's rows, fewer where there are fewer rows or features, or where nothing
 * varies. The leading eigenvectors of the smaller of XXᵀ and XᵀX are found by block power iteration from fixed vectors
 * (Halko et al. 2011, algorithm 4.4): a pure function of the set. The time goes with rows · features · the smaller of
 * both: a second or two for a thousand pictures of 32×32.
 *
 * @throws UserError if there are fewer than two rows, or a feature is not finite.
 */
export const principalComponents = (features: Features, most = 64): Components => {
  checkFeatures(features)
  const { count: rows, dims } = features
  const x = new Float64Array(features.data)
  const mean = new Float64Array(dims)
  for (let i = 0; i < x.length; i++) mean[i % dims]! += x[i]! / rows
  for (let i = 0; i < x.length; i++) x[i]! -= mean[i % dims]!
  const across = transposed(x, rows, dims)
  const wide = dims > rows
  const size = wide ? rows : dims
  const matrix = new Float64Array(size * size)
  addProducts(wide ? x : across, wide ? x : across, wide ? dims : rows, matrix)
  const { values, vectors } = leading(matrix, size, Math.min(most, dims, rows - 1))
  const to = Math.max(1, values.filter((value) => value > NOTHING * values[0]!).length)
  const kept = vectors.subarray(0, to * size)
  const axes = wide ? new Float64Array(to * dims) : kept
  if (wide) addProducts(kept, across, rows, axes)
  orthonormalize(axes, dims)
  return { mean, axes, from: dims, to }
}

/**
 * Rows in terms of the components: [count, from] → [count, to].
 *
 * @throws RangeError if the rows have another length than those that the components were fitted to.
 */
export const projected = ({ mean, axes, from, to }: Components, features: Features): Features => {
  const { count, dims } = features
  if (dims !== from) throw new RangeError(`expected features of length ${from}, found ${dims}`)
  const data = new Float32Array(count * to)
  for (let first = 0; first < count; first += CHUNK) {
    const rows = Math.min(CHUNK, count - first)
    const centred = new Float64Array(features.data.subarray(first * dims, (first + rows) * dims))
    for (let i = 0; i < centred.length; i++) centred[i]! -= mean[i % dims]!
    const out = new Float64Array(rows * to)
    addProducts(centred, axes, dims, out)
    data.set(out, first * to)
  }
  return { data, count, dims: to }
}

/** The greatest eigenvalues, descending, of a symmetric matrix without negative ones, and their vectors [count, size]. */
const leading = (
  matrix: Float64Array,
  size: number,
  count: number,
): { values: Float64Array; vectors: Float64Array } => {
  if (size <= EXACT || count + BESIDE >= size) return eigen(matrix, size, count)
  const block = count + BESIDE
  let q = new Float64Array(block * size)
  const random = new Random({ seed: 0, stream: STREAM.resample, step: 0, index: 5 })
  for (let i = 0; i < q.length; i++) q[i] = random.normal()
  orthonormalize(q, size)
  let next = new Float64Array(block * size)
  for (let i = 0; i < ITERATIONS; i++) {
    addProducts(q, matrix, size, next.fill(0))
    const previous = q
    q = next
    next = previous
    orthonormalize(q, size)
  }
  // Within the block's space the eigenvectors are those of the small matrix QMQᵀ (Rayleigh–Ritz).
  addProducts(q, matrix, size, next.fill(0))
  const small = new Float64Array(block * block)
  addProducts(next, q, size, small)
  const { values, vectors } = eigen(small, block, count)
  const out = new Float64Array(count * size)
  addProducts(vectors, transposed(q, block, size), block, out)
  return { values, vectors: out }
}

const eigen = (matrix: Float64Array, size: number, count: number) => {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(
    Matrix.from1DArray(size, size, matrix),
    { assumeSymmetric: true },
  )
  const values = new Float64Array(count)
  const vectors = new Float64Array(count * size)
  for (let k = 0; k < count; k++) {
    const column = size - 1 - k // eigenvalues ascend
    values[k] = Math.max(0, realEigenvalues[column]!)
    for (let i = 0; i < size; i++) vectors[k * size + i] = eigenvectorMatrix.get(i, column)
  }
  return { values, vectors }
}

const transposed = (x: Float64Array, rows: number, columns: number): Float64Array => {
  const out = new Float64Array(x.length)
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = x[i * columns + j]!
  return out
}

/** Gram–Schmidt on rows, in place. A row of zeros becomes an axis. */
const orthonormalize = (rows: Float64Array, dims: number): void => {
  const count = rows.length / dims
  for (let i = 0; i < count; i++) {
    const row = rows.subarray(i * dims, (i + 1) * dims)
    if (row.every((value) => value === 0)) row[i % dims] = 1
    for (let j = 0; j < i; j++) {
      const other = rows.subarray(j * dims, (j + 1) * dims)
      let product = 0
      for (let d = 0; d < dims; d++) product += row[d]! * other[d]!
      for (let d = 0; d < dims; d++) row[d]! -= product * other[d]!
    }
    let squares = 0
    for (let d = 0; d < dims; d++) squares += row[d]! * row[d]!
    const length = Math.sqrt(squares)
    for (let d = 0; d < dims; d++) row[d]! /= length
  }
}
