import type { DType, Shape, Tensor } from '../tensor.js'

/** Shape and type of a tensor that does not exist yet. */
export interface Aval {
  readonly shape: Shape
  readonly dtype: DType
}

/** What a node hands to its op's derivative rules. */
export interface Context<A> {
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  readonly attrs: A
}

/** Appends nodes to an ONNX graph; values are named by strings. */
export interface Emitter {
  /** One ONNX node with one output. Attributes: integers, lists of integers, or `{ float }` and `{ string }`. */
  node(type: string, inputs: readonly string[], attributes?: OnnxAttributes, domain?: string): string
  /** One ONNX node with several outputs. */
  nodes(type: string, inputs: readonly string[], count: number, attributes?: OnnxAttributes): string[]
  /** A small constant: an int64 vector (shapes, axes) … */
  ints(values: readonly number[]): string
  /** … or a float32 scalar. */
  float(value: number): string
}
export type OnnxAttributes = Record<
  string,
  number | readonly number[] | { float: number } | { string: string }
>

/**
 * Everything known about an operation, in one place.
 *
 * - `infer`: shapes and types of the outputs, or an error that names the shapes that do not fit.
 * - `emit`: its ONNX form. Returns the names of the outputs.
 * - `vjp`: the cotangents of the inputs, from those of the outputs (absent where none arrived). Leave out an input to
 *   say that it has none.
 * - `jvp`: the tangents of the outputs, from those of the inputs (absent means zero).
 * - `lazy`: the rule accepts a cotangent that merely broadcasts to the output's shape. Cotangents of a mean then stay
 *   scalars as long as possible.
 */
export interface Op<A = unknown> {
  readonly name: string
  readonly lazy?: boolean
  infer(inputs: readonly Tensor[], attrs: A): Aval[]
  emit(emitter: Emitter, inputs: readonly string[], context: Context<A>): string[]
  vjp?(context: Context<A>, cotangents: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[]
  jvp?(context: Context<A>, tangents: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[]
}

/** The common case: one output, of the first input's type unless `dtype` says otherwise. */
export interface SingleOp<A> {
  readonly name: string
  readonly lazy?: boolean
  readonly dtype?: DType
  shape(shapes: readonly Shape[], attrs: A): Shape
  emit(emitter: Emitter, inputs: readonly string[], context: Context<A>): string
  vjp?(context: Context<A>, cotangent: Tensor): readonly (Tensor | undefined)[]
  jvp?(context: Context<A>, tangents: readonly (Tensor | undefined)[]): Tensor | undefined
}

export const op = <A = undefined>(rule: SingleOp<A>): Op<A> => {
  const { vjp, jvp } = rule
  return {
    name: rule.name,
    ...(rule.lazy ? { lazy: true } : {}),
    infer: (inputs, attrs) => [
      {
        shape: rule.shape(
          inputs.map((x) => x.shape),
          attrs,
        ),
        dtype: rule.dtype ?? inputs[0]!.dtype,
      },
    ],
    emit: (emitter, inputs, context) => [rule.emit(emitter, inputs, context)],
    ...(vjp ? { vjp: (context, [g]) => vjp(context, g!) } : {}),
    ...(jvp ? { jvp: (context, tangents) => [jvp(context, tangents)] } : {}),
  }
}

/** Sum of two terms that may be absent. */
export const total = (a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined =>
  a && b ? a.add(b) : (a ?? b)

export const sizeOf = (shape: Shape): number => shape.reduce((product, n) => product * n, 1)
export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((n, i) => n === b[i])
export const show = (shape: Shape): string => `[${shape.join(', ')}]`

/** What has a shape: a tensor, a parameter. */
export interface Sized {
  readonly shape: Shape
}
interface Sizes {
  1: [number]
  2: [number, number]
  3: [number, number, number]
  4: [number, number, number, number]
  5: [number, number, number, number, number]
}

/**
 * The sizes of a tensor whose rank is known: `const [b, c, h, w] = dims(x, 4, 'conv')`.
 *
 * @throws RangeError that names `what`, the operation, if `x` has another rank.
 */
export const dims = <Rank extends keyof Sizes>({ shape }: Sized, rank: Rank, what: string): Sizes[Rank] => {
  if (shape.length !== rank)
    throw new RangeError(
      `${what}: expected a tensor of rank ${rank}, not ${show(shape)} of rank ${shape.length}`,
    )
  return [...shape] as Sizes[Rank]
}

/** The shape that `a` and `b` broadcast to (numpy's rules). Throws if there is none. */
export const broadcastShapes = (a: Shape, b: Shape, what = 'broadcast'): Shape => {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const m = a[i - rank + a.length] ?? 1
    const n = b[i - rank + b.length] ?? 1
    if (m !== n && m !== 1 && n !== 1)
      throw new RangeError(`${what}: shapes ${show(a)} and ${show(b)} do not fit`)
    return m === 1 ? n : m
  })
}

/** Axes as non-negative numbers, sorted, each checked against `rank`. */
export const normalizeAxes = (axes: readonly number[], rank: number, what: string): number[] => {
  const sorted = axes.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b)
  for (const [i, axis] of sorted.entries()) {
    if (!Number.isInteger(axis) || axis < 0 || axis >= rank || axis === sorted[i - 1])
      throw new RangeError(`${what}: axes [${axes.join(', ')}] do not fit rank ${rank}`)
  }
  return sorted
}

/** Adjoint of broadcasting `from` to `to`: sums `g` (any shape that broadcasts to `to`) down to `from`. */
export const unbroadcast = (g: Tensor, to: Shape, from: Shape): Tensor => {
  if (sameShape(from, to)) return g
  const full = g.broadcastTo(to)
  const extra = to.length - from.length
  const axes = to.map((_, i) => i).filter((i) => i < extra || (from[i - extra] === 1 && to[i] !== 1))
  return axes.length === 0 ? full.reshape(from) : full.sum(axes).reshape(from)
}
