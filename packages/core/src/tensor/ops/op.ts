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

/** Attributes that serve every batch size, or why there are none: the end of "reshape depends on the batch size: …". */
export type OpenBatch<A> = { readonly attrs: A } | { readonly why: string }

/** Appends nodes to an ONNX graph; values are named by strings. */
export interface Emitter {
  /** One ONNX node with one output. Attributes: integers, lists of integers, or `{ float }` and `{ string }`. */
  node(type: string, inputs: readonly string[], attributes?: OnnxAttributes): string
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
 * - `view`: the outputs are the input's own values, in other places or another shape. Recomputation does not wait for
 *   views of a program's inputs, because they are there anyway.
 * - `openBatch`: the attributes that serve every batch size, from those of one trace and those of another. Absent where
 *   attributes must not depend on the batch size.
 */
export interface Op<A = unknown> {
  readonly name: string
  readonly lazy?: boolean
  readonly view?: boolean
  openBatch?(context: Context<A>, other: A): OpenBatch<A>
  infer(inputs: readonly Tensor[], attrs: A): Aval[]
  emit(emitter: Emitter, inputs: readonly string[], context: Context<A>): string[]
  vjp?(context: Context<A>, cotangents: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[]
  jvp?(context: Context<A>, tangents: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[]
}

/** The common case: one output, of the first input's type unless `dtype` says otherwise. */
export interface SingleOp<A> {
  readonly name: string
  readonly lazy?: boolean
  readonly view?: boolean
  readonly dtype?: DType
  openBatch?(context: Context<A>, other: A): OpenBatch<A>
  shape(shapes: readonly Shape[], attrs: A): Shape
  emit(emitter: Emitter, inputs: readonly string[], context: Context<A>): string
  vjp?(context: Context<A>, cotangent: Tensor): readonly (Tensor | undefined)[]
  jvp?(context: Context<A>, tangents: readonly (Tensor | undefined)[]): Tensor | undefined
}

export const op = <A = undefined>(rule: SingleOp<A>): Op<A> => {
  const { vjp, jvp } = rule
  return {
    name: rule.name,
    lazy: rule.lazy,
    view: rule.view,
    openBatch: rule.openBatch,
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
/** A shape of which axes that differ from another one's are left open, as `free`. */
export const openShape = <T>(shape: Shape, other: Shape, free: T): (number | T)[] =>
  shape.map((n, i) => (n === other[i] ? n : free))
export const show = (shape: Shape): string => `[${shape.join(', ')}]`

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
