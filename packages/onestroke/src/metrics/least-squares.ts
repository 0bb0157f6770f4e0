/** A linear map, fitted to pairs that come one after another. */
export class LeastSquares {
  readonly #products: Float64Array
  readonly #targets: Float64Array[]
  #count = 0

  /**
   * @param from numbers of a point.
   * @param to numbers of what it is mapped to.
   */
  constructor(
    readonly from: number,
    readonly to: number,
  ) {
    this.#products = new Float64Array((from + 1) ** 2)
    this.#targets = Array.from({ length: to }, () => new Float64Array(from + 1))
  }

  /** @param point `from` numbers @param value `to` numbers */
  add(point: readonly number[], value: readonly number[]): void {
    const n = this.from + 1
    const row = [...point, 1]
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) this.#products[i * n + j]! += row[i]! * row[j]!
      for (const [c, target] of this.#targets.entries()) target[i]! += row[i]! * value[c]!
    }
    this.#count++
  }

  /** For each number of the values: the weights of a point's numbers, and what is added, [to][from + 1]. A number that never varies weighs nothing. */
  solution(): number[][] {
    const n = this.from + 1
    const ridge = 1e-9 * Math.max(1, this.#count)
    return this.#targets.map((target) => {
      const rows = Array.from({ length: n }, (_, i) => [
        ...Array.from({ length: n }, (_, j) => this.#products[i * n + j]! + (i === j ? ridge : 0)),
        target[i]!,
      ])
      return eliminated(rows)
    })
  }
}

/** Solves a system whose matrix is symmetric and positive: rows [n][n + 1], the last column being the right side. */
const eliminated = (rows: number[][]): number[] => {
  const n = rows.length
  for (let i = 0; i < n; i++)
    for (let k = i + 1; k < n; k++) {
      const share = rows[k]![i]! / rows[i]![i]!
      for (let j = i; j <= n; j++) rows[k]![j]! -= share * rows[i]![j]!
    }
  const solution = Array<number>(n).fill(0)
  for (let i = n - 1; i >= 0; i--) {
    const known = solution.reduce((sum, value, j) => sum + (j > i ? rows[i]![j]! * value : 0), 0)
    solution[i] = (rows[i]![n]! - known) / rows[i]![i]!
  }
  return solution
}
