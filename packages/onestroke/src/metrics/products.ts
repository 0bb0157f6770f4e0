/**
 * Inner products of all pairs of rows, on which every metric here rests. They are taken block by block, so that memory
 * does not grow with the number of pairs, at about 3·10⁹ multiplications per second and core.
 */
import type { Features } from './features.js'

/** Rows per block of pairs, and per block that is held in the processor's cache. */
const BLOCK = 256
const CACHED = 64

/**
 * Adds A·Bᵀ to `out`: out[i, j] += Σ_d a[i, d]·b[j, d]. a [n, inner], b [m, inner], out [n, m], row-major. The sum runs
 * from d = 0 upwards for every pair alike, so that equal rows have equal products, to the last bit.
 */
export const addProducts = (a: Float64Array, b: Float64Array, inner: number, out: Float64Array): void => {
  const n = a.length / inner
  const m = b.length / inner
  for (let block = 0; block < m; block += CACHED) {
    const end = Math.min(block + CACHED, m)
    for (let i = 0; i < n; i += 2) {
      // Two rows by two: an odd last row is paired with itself, and written once.
      const a0 = i * inner
      const a1 = i + 1 < n ? a0 + inner : a0
      for (let j = block; j < end; j += 2) {
        const b0 = j * inner
        const b1 = j + 1 < end ? b0 + inner : b0
        let s00 = 0
        let s01 = 0
        let s10 = 0
        let s11 = 0
        for (let d = 0; d < inner; d++) {
          const x0 = a[a0 + d]!
          const x1 = a[a1 + d]!
          const y0 = b[b0 + d]!
          const y1 = b[b1 + d]!
          s00 += x0 * y0
          s01 += x0 * y1
          s10 += x1 * y0
          s11 += x1 * y1
        }
        const at = i * m + j
        out[at]! += s00
        if (b1 !== b0) out[at + 1]! += s01
        if (a1 !== a0) out[at + m]! += s10
        if (a1 !== a0 && b1 !== b0) out[at + m + 1]! += s11
      }
    }
  }
}

type Visit = (i: number, j: number, value: number) => void

/** Visits the inner product of every row i of a with every row j of b. */
export const eachProduct = (a: Features, b: Features, visit: Visit): void => walk(a, b, false, visit)

/** Visits the inner product of every two different rows of a set once, with i > j. */
export const eachProductWithin = (a: Features, visit: Visit): void => walk(a, a, true, visit)

const walk = (a: Features, b: Features, within: boolean, visit: Visit): void => {
  const buffer = new Float64Array(BLOCK * BLOCK)
  for (let row = 0; row < a.count; row += BLOCK) {
    const left = block(a, row)
    const rows = left.length / a.dims
    for (let column = 0; column < (within ? row + 1 : b.count); column += BLOCK) {
      const right = block(b, column)
      const columns = right.length / b.dims
      const products = buffer.subarray(0, rows * columns).fill(0)
      addProducts(left, right, a.dims, products)
      for (let i = 0; i < rows; i++) {
        const end = within && column === row ? i : columns
        for (let j = 0; j < end; j++) visit(row + i, column + j, products[i * columns + j]!)
      }
    }
  }
}

const block = ({ data, dims }: Features, row: number): Float64Array =>
  new Float64Array(data.subarray(row * dims, (row + BLOCK) * dims))

/**
 * Visits the squared Euclidean distance of every row i of a to every row j of b. It is ‖x‖² + ‖y‖² − 2x·y: exactly 0
 * for equal rows, else right to about 10⁻¹⁵ (‖x‖² + ‖y‖²).
 */
export const eachDistance = (a: Features, b: Features, visit: Visit): void => {
  const [p, q] = [squaredNorms(a), squaredNorms(b)]
  eachProduct(a, b, (i, j, product) => visit(i, j, Math.max(0, p[i]! + q[j]! - 2 * product)))
}

/** Visits the squared Euclidean distance of every two different rows of a set once, with i > j. */
export const eachDistanceWithin = (a: Features, visit: Visit): void => {
  const p = squaredNorms(a)
  eachProductWithin(a, (i, j, product) => visit(i, j, Math.max(0, p[i]! + p[j]! - 2 * product)))
}

/** Squared distance of one row to another: the very number that `eachDistance` visits. */
export const distanceOf = (a: Features, i: number, b: Features, j: number): number =>
  Math.max(0, productOf(a, i, a, i) + productOf(b, j, b, j) - 2 * productOf(a, i, b, j))

const squaredNorms = (a: Features): Float64Array =>
  Float64Array.from({ length: a.count }, (_, i) => productOf(a, i, a, i))

const productOf = (a: Features, i: number, b: Features, j: number): number => {
  let sum = 0
  for (let d = 0; d < a.dims; d++) sum += a.data[i * a.dims + d]! * b.data[j * a.dims + d]!
  return sum
}
