import { dims, joined, type Program, type Runtime, type Tensor, trace } from '../tensor/index.js'
import type { Layout, ParameterSpec } from './scope.js'

/** What turns Muon's momentum into directions. */
export interface Orthogonalizer {
  /** The parameters that step along them, in the order of the layout. */
  readonly matrices: readonly Pick<ParameterSpec, 'offset' | 'size'>[]
  /** Numbers in all of them. */
  readonly size: number
  /** @param momentum of all parameters, flat; `directions` is filled with those of the matrices, one after the other. */
  orthogonalize(momentum: Float32Array, directions: Float32Array): Promise<void>
  release(): Promise<void>
}

/** The first and the last layer, and the tables of words and places, which are no maps between features. */
const ENDS = /(^|\.)(embedding|input|output)\./

/**
 * The parameters that Muon is for: weights of maps between hidden features (Jordan et al. 2024). Convolutions are such maps
 * from all that a kernel covers. Biases, gains, embeddings, and the layers at both ends are left to Adam.
 */
export const matricesOf = (layout: Layout): ParameterSpec[] =>
  layout.specs.filter(
    ({ name, shape }) => name.endsWith('.weight') && shape.length >= 2 && shape[1]! > 1 && !ENDS.test(name),
  )

/** Several maps that are computed as one, side by side: queries, keys and values. */
const MAPS: Readonly<Record<string, number>> = { qkv: 3, words: 2 }

/** Newton–Schulz iterations, and the coefficients of one: X ← aX + b(XXᵀ)X + c(XXᵀ)²X (Jordan et al. 2024). */
const ITERATIONS = 5
const [A, B, C] = [3.4445, -4.775, 2.0315]

/**
 * Matrices of about the same singular vectors, whose singular values are all near 1 (0.7 to 1.2). x [count, n, m] with n ≤ m,
 * of any scale.
 */
export const orthogonalized = (x: Tensor): Tensor => {
  let X = x.mul(x.sumSquares([1, 2], true).add(1e-30).pow(-0.5))
  for (let i = 0; i < ITERATIONS; i++) {
    const gram = X.matmul(X.swapLast())
    X = X.mul(A).add(gram.mul(B).add(gram.matmul(gram).mul(C)).matmul(X))
  }
  return X
}

/**
 * Muon's directions: `momentum` [P] → those of the matrices of `layout`, one after the other. Each map is orthogonalised, and
 * scaled by 0.2·√(its longer side): its numbers are then about as large as those of Adam's steps, and both take one learning
 * rate (Liu et al. 2025, eq. 4).
 *
 * @throws RangeError if the network has no matrices.
 */
export const muonDirections = (layout: Layout, momentum: Tensor): Tensor => {
  const matrices = matricesOf(layout)
  if (matrices.length === 0) throw new RangeError('muon: the network has no matrices')
  const maps = matrices.flatMap((matrix) =>
    mapsOf(matrix, momentum.slice([matrix.offset], [matrix.offset + matrix.size])),
  )
  const turned = allOrthogonalized(maps.map(wide)).map((map, i) => {
    const sides = dims(maps[i]!, 2, 'muon')
    const scaled = map.mul(0.2 * Math.sqrt(Math.max(...sides)))
    return isWide(maps[i]!) ? scaled : scaled.swapLast()
  })
  return joined(matrices.map((matrix) => joined(turned.splice(0, countOf(matrix)), 1).reshape([matrix.size])))
}

/** `momentum` [P] → `directions`. */
const muonProgram = (layout: Layout): Program =>
  trace({ momentum: [layout.size] }, ({ momentum }) => ({ directions: muonDirections(layout, momentum) }))

/** @throws RangeError if the network has no matrices. */
export const compileMuon = async (layout: Layout, runtime: Runtime): Promise<Orthogonalizer> => {
  const matrices = matricesOf(layout)
  const executable = await runtime.compile(muonProgram(layout))
  return {
    matrices,
    size: matrices.reduce((sum, { size }) => sum + size, 0),
    async orthogonalize(momentum, directions) {
      await executable.run({ momentum }, { directions })
    },
    release: () => executable.release(),
  }
}

const countOf = ({ name }: ParameterSpec): number => MAPS[name.split('.').at(-2)!] ?? 1

/** The maps [from, to] of a parameter, or [to, from] where it is a convolution. */
const mapsOf = (matrix: ParameterSpec, values: Tensor): readonly Tensor[] => {
  const count = countOf(matrix)
  const rows = matrix.shape[0]!
  const columns = matrix.size / rows
  return values.reshape([rows, columns]).split(Array<number>(count).fill(columns / count), 1)
}

const isWide = ({ shape: [rows, columns] }: Tensor): boolean => rows! <= columns!
const wide = (map: Tensor): Tensor => (isWide(map) ? map : map.swapLast())

/** Maps [n, m], those of one shape at once. */
const allOrthogonalized = (maps: readonly Tensor[]): Tensor[] => {
  const done = new Map<Tensor, Tensor>()
  const byShape = new Map<string, Tensor[]>()
  for (const map of maps) {
    const shape = map.shape.join()
    byShape.set(shape, [...(byShape.get(shape) ?? []), map])
  }
  for (const [, alike] of byShape) {
    const [n, m] = dims(alike[0]!, 2, 'muon')
    const all = joined(alike.map((map) => map.reshape([1, n, m])))
    const turned = orthogonalized(all).split(Array<number>(alike.length).fill(1), 0)
    for (const [i, map] of alike.entries()) done.set(map, turned[i]!.reshape([n, m]))
  }
  return maps.map((map) => done.get(map)!)
}
