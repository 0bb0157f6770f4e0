import type { Context, DType, Emitter, Op, OpenBatch, Shape, Sized, Tensor } from '../types.js'

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
