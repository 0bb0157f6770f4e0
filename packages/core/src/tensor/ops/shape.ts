import type { Op, Shape, Tensor } from '../types.js'
import { broadcastShapes, normalizeAxes, op, openShape, sameShape, show, sizeOf, unbroadcast } from './op.js'

export const reshape: Op<{ shape: Shape }> = op({
  name: 'reshape',
  view: true,
  shape: ([x], { shape }) => {
    if (sizeOf(x!) !== sizeOf(shape) || shape.some((n) => !Number.isInteger(n) || n < 0))
      throw new RangeError(`reshape: ${show(x!)} does not fit ${show(shape)}`)
    return shape
  },
  openBatch: ({ attrs: { shape } }, other) =>
    shape.filter((n, i) => n !== other.shape[i]).length === 1
      ? { attrs: { shape: openShape(shape, other.shape, -1) } }
      : { why: 'more than one axis does' },
  emit: (e, [x], { attrs }) => e.node('Reshape', [x!, e.ints(attrs.shape)], { allowzero: 1 }),
  vjp: ({ inputs: [x] }, g) => [g.reshape(x!.shape)],
  jvp: ({ attrs }, [t]) => t?.reshape(attrs.shape),
})

export const transpose: Op<{ perm: readonly number[] }> = op({
  name: 'transpose',
  view: true,
  shape: ([x], { perm }) => {
    if (
      perm.length !== x!.length ||
      !sameShape(
        [...perm].sort((a, b) => a - b),
        [...x!.keys()],
      )
    )
      throw new RangeError(`transpose: permutation [${perm.join(', ')}] does not fit ${show(x!)}`)
    return perm.map((axis) => x![axis]!)
  },
  emit: (e, [x], { attrs }) => e.node('Transpose', [x!], { perm: attrs.perm }),
  vjp: ({ attrs: { perm } }, g) => [g.transpose(perm.map((_, i) => perm.indexOf(i)))],
  jvp: ({ attrs: { perm } }, [t]) => t?.transpose(perm),
})

export const broadcastTo: Op<{ shape: Shape }> = op({
  name: 'broadcastTo',
  lazy: true,
  shape: ([x], { shape }) => {
    if (!sameShape(broadcastShapes(x!, shape, 'broadcastTo'), shape))
      throw new RangeError(`broadcastTo: ${show(x!)} does not broadcast to ${show(shape)}`)
    return shape
  },
  // ONNX's Expand keeps an axis that the input has already; one that it has not cannot be left open.
  openBatch: ({ inputs: [x], attrs: { shape } }, other) =>
    shape.every((n, i) => n === other.shape[i] || x!.shape[i - shape.length + x!.shape.length] === n)
      ? { attrs: { shape: openShape(shape, other.shape, 1) } }
      : { why: 'the batch is made there' },
  emit: (e, [x], { attrs }) => e.node('Expand', [x!, e.ints(attrs.shape)]),
  vjp: ({ inputs: [x], attrs: { shape } }, g) => [unbroadcast(g, shape, x!.shape)],
  jvp: ({ attrs }, [t]) => t?.broadcastTo(attrs.shape),
})

export const concat: Op<{ axis: number }> = op({
  name: 'concat',
  shape: (shapes, { axis }) => {
    const [first] = shapes
    for (const shape of shapes) {
      if (
        shape.length !== first!.length ||
        !(axis in first!) ||
        shape.some((n, i) => i !== axis && n !== first![i])
      )
        throw new RangeError(`concat: shapes ${shapes.map(show).join(', ')} do not fit along axis ${axis}`)
    }
    return first!.map((n, i) => (i === axis ? shapes.reduce((sum, shape) => sum + shape[axis]!, 0) : n))
  },
  emit: (e, inputs, { attrs }) => e.node('Concat', inputs, { axis: attrs.axis }),
  vjp: ({ inputs, attrs: { axis } }, g) =>
    g.split(
      inputs.map((x) => x.shape[axis]!),
      axis,
    ),
  jvp: ({ inputs, attrs: { axis } }, tangents) => {
    if (tangents.every((t) => t === undefined)) return undefined
    const [head, ...rest] = tangents.map((t, i) => t ?? inputs[i]!.zerosLike())
    return head!.concat(rest, axis)
  },
})

/** One tensor into pieces of the given sizes along an axis. The one op with several outputs. */
export const split: Op<{ sizes: readonly number[]; axis: number }> = {
  name: 'split',
  view: true,
  infer: ([x], { sizes, axis }) => {
    const { shape, dtype } = x!
    if (sizes.reduce((sum, n) => sum + n, 0) !== shape[axis])
      throw new RangeError(`split: sizes [${sizes.join(', ')}] do not fill axis ${axis} of ${show(shape)}`)
    return sizes.map((size) => ({ shape: shape.map((n, i) => (i === axis ? size : n)), dtype }))
  },
  emit: (e, [x], { attrs: { sizes, axis } }) => e.nodes('Split', [x!, e.ints(sizes)], sizes.length, { axis }),
  vjp: ({ outputs, attrs: { axis } }, cotangents) => {
    const [head, ...rest] = cotangents.map((g, i) => g ?? outputs[i]!.zerosLike())
    return [head!.concat(rest, axis)]
  },
  jvp: ({ attrs: { sizes, axis } }, [t]) => t?.split(sizes, axis) ?? sizes.map(() => undefined),
}

/** x[starts:ends] along every axis, with positive steps. */
export const slice: Op<{ starts: readonly number[]; ends: readonly number[]; steps: readonly number[] }> = op(
  {
    name: 'slice',
    shape: ([x], { starts, ends, steps }) => {
      if ([starts, ends, steps].some((list) => list.length !== x!.length))
        throw new RangeError(`slice: ${show(starts)}:${show(ends)}:${show(steps)} does not fit ${show(x!)}`)
      return x!.map((n, i) => {
        const [start, end, step] = [starts[i]!, ends[i]!, steps[i]!]
        if (start < 0 || end > n || start >= end || step < 1)
          throw new RangeError(`slice: ${start}:${end}:${step} does not fit axis ${i} of ${show(x!)}`)
        return Math.ceil((end - start) / step)
      })
    },
    emit: (e, [x], { attrs: { starts, ends, steps } }) =>
      e.node('Slice', [x!, e.ints(starts), e.ints(ends), e.ints([...starts.keys()]), e.ints(steps)]),
    vjp: ({ inputs: [x], outputs: [y], attrs: { starts, steps } }, g) => {
      const spread = g.dilate(steps)
      const after = x!.shape.map((n, i) => n - starts[i]! - ((y!.shape[i]! - 1) * steps[i]! + 1))
      return [spread.pad(starts, after)]
    },
    jvp: ({ attrs: { starts, ends, steps } }, [t]) => t?.slice(starts, ends, steps),
  },
)

/** Zeros before and after, along every axis. */
export const pad: Op<{ before: readonly number[]; after: readonly number[] }> = op({
  name: 'pad',
  shape: ([x], { before, after }) => {
    if ([before, after].some((list) => list.length !== x!.length || list.some((n) => n < 0)))
      throw new RangeError(`pad: ${show(before)} before and ${show(after)} after do not fit ${show(x!)}`)
    return x!.map((n, i) => n + before[i]! + after[i]!)
  },
  emit: (e, [x], { attrs: { before, after } }) =>
    e.node('Pad', [x!, e.ints([...before, ...after]), e.float(0)]),
  vjp: ({ inputs: [x], attrs: { before } }, g) => [
    g.slice(
      before,
      x!.shape.map((n, i) => n + before[i]!),
    ),
  ],
  jvp: ({ attrs: { before, after } }, [t]) => t?.pad(before, after),
})

/** Sum over axes, which are removed. */
export const sum: Op<{ axes: readonly number[] }> = op({
  name: 'sum',
  lazy: true,
  shape: ([x], { axes }) => without(x!, axes, 'sum'),
  emit: (e, [x], { attrs }) => e.node('ReduceSum', [x!, e.ints(attrs.axes)], { keepdims: 0 }),
  vjp: ({ inputs: [x], outputs: [y], attrs }, g) => [keep(g.broadcastTo(y!.shape), x!.shape, attrs.axes)],
  jvp: ({ attrs }, [t]) => t?.sum(attrs.axes),
})

/** Sum of squares over axes, which are removed: one pass over memory, no intermediate. */
export const sumSquares: Op<{ axes: readonly number[] }> = op({
  name: 'sumSquares',
  shape: ([x], { axes }) => without(x!, axes, 'sumSquares'),
  emit: (e, [x], { attrs }) => e.node('ReduceSumSquare', [x!, e.ints(attrs.axes)], { keepdims: 0 }),
  vjp: ({ inputs: [x], attrs }, g) => [x!.mul(keep(g.mul(2), x!.shape, attrs.axes))],
  jvp: ({ inputs: [x], attrs }, [t]) => t?.mul(x!).sum(attrs.axes).mul(2),
})

const without = (shape: Shape, axes: readonly number[], what: string): Shape => {
  normalizeAxes(axes, shape.length, what)
  return shape.filter((_, i) => !axes.includes(i))
}
/** Puts the removed axes back as ones, so that the result broadcasts against `shape`. */
const keep = (g: Tensor, shape: Shape, axes: readonly number[]): Tensor =>
  g.reshape(shape.map((n, i) => (axes.includes(i) ? 1 : n)))

/** Rows of a table [V, D] by int64 indices [...]: [..., D]. */
export const gather: Op<undefined> = op({
  name: 'gather',
  shape: ([table, ids]) => {
    if (table!.length !== 2)
      throw new RangeError(`gather: the table must be [rows, width], not ${show(table!)}`)
    return [...ids!, table![1]!]
  },
  emit: (e, [table, ids]) => e.node('Gather', [table!, ids!], { axis: 0 }),
  vjp: ({ inputs: [table, ids] }, g) => [g.scatterAdd(ids!, table!.shape[0]!)],
  jvp: ({ inputs: [, ids] }, [t]) => t?.gather(ids!),
})

/** The adjoint of gather: updates [..., D] are added up in the rows of a table [rows, D] that int64 indices [...] name. */
export const scatterAdd: Op<{ rows: number }> = op({
  name: 'scatterAdd',
  shape: ([updates, ids], { rows }) => {
    if (!sameShape(ids!, updates!.slice(0, -1)))
      throw new RangeError(`scatterAdd: indices ${show(ids!)} do not fit updates ${show(updates!)}`)
    return [rows, updates!.at(-1)!]
  },
  // ScatterElements adds in order: the sums are the same bits each time.
  emit: (e, [updates, ids], { inputs, attrs: { rows } }) => {
    const width = inputs[0]!.shape.at(-1)!
    const column = e.node('Reshape', [ids!, e.ints([-1, 1])])
    return e.node(
      'ScatterElements',
      [
        e.node('ConstantOfShape', [e.ints([rows, width])]),
        e.node('Expand', [column, e.ints([1, width])]),
        e.node('Reshape', [updates!, e.ints([-1, width])]),
      ],
      { axis: 0, reduction: { string: 'add' } },
    )
  },
  vjp: ({ inputs: [, ids] }, g) => [g.gather(ids!)],
  jvp: ({ inputs: [, ids], attrs: { rows } }, [t]) => t?.scatterAdd(ids!, rows),
})
