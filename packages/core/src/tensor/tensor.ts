/**
 * Symbolic tensors. Nothing is computed here: calling a method appends a node to a graph, which `grad` and `jvp`
 * extend, and which is written out once as an ONNX graph.
 */
import * as elementwise from './ops/elementwise.js'
import * as linear from './ops/linear.js'
import * as normalize from './ops/normalize.js'
import { normalizeAxes, sameShape, show, sizeOf } from './ops/op.js'
import * as shaping from './ops/shape.js'
import type { ConvAttrs, ConvTransposeAttrs, DType, Leaf, Node, Op, Shape, Tensor } from './types.js'

export class OpNode implements Node {
  static #count = 0
  /** The checkpointed block that nodes made just now belong to, if any. */
  static region: symbol | undefined
  readonly id = OpNode.#count++
  readonly region = OpNode.region
  readonly outputs: readonly Tensor[]

  constructor(
    readonly op: Op<unknown>,
    readonly inputs: readonly Tensor[],
    readonly attrs: unknown,
  ) {
    this.outputs = op.infer(inputs, attrs).map(({ shape, dtype }) => new SymbolicTensor(shape, dtype, this))
  }
}

/** Applies an op; returns all its outputs. */
export const apply = <A>(op: Op<A>, inputs: readonly Tensor[], attrs: A): readonly Tensor[] =>
  new OpNode(op as Op<unknown>, inputs, attrs).outputs

const apply1 = <A>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor => apply(op, inputs, attrs)[0]!

/** The methods of `Tensor`: each appends a node, unless it would change nothing. */
export class SymbolicTensor implements Tensor {
  constructor(
    readonly shape: Shape,
    readonly dtype: DType,
    readonly source: Node | Leaf,
  ) {}

  get node(): Node | undefined {
    return this.source instanceof OpNode ? this.source : undefined
  }
  get size(): number {
    return sizeOf(this.shape)
  }

  // ── elementwise ─────────────────────────────────────────────────────────────────────────────────────────────────
  add = (other: Tensor | number): Tensor => apply1(elementwise.add, [this, lift(other)], undefined)
  sub = (other: Tensor | number): Tensor => apply1(elementwise.sub, [this, lift(other)], undefined)
  mul = (other: Tensor | number): Tensor =>
    other === 1 ? this : apply1(elementwise.mul, [this, lift(other)], undefined)
  div = (other: Tensor | number): Tensor =>
    typeof other === 'number' ? this.mul(1 / other) : apply1(elementwise.div, [this, other], undefined)
  maximum = (other: Tensor | number): Tensor => apply1(elementwise.maximum, [this, lift(other)], undefined)
  minimum = (other: Tensor | number): Tensor => apply1(elementwise.minimum, [this, lift(other)], undefined)
  less = (other: Tensor | number): Tensor => apply1(elementwise.less, [this, lift(other)], undefined)
  equal = (other: Tensor | number): Tensor => apply1(elementwise.equal, [this, lift(other)], undefined)
  neg = (): Tensor => apply1(elementwise.neg, [this], undefined)
  exp = (): Tensor => apply1(elementwise.exp, [this], undefined)
  log = (): Tensor => apply1(elementwise.log, [this], undefined)
  sqrt = (): Tensor => apply1(elementwise.sqrt, [this], undefined)
  reciprocal = (): Tensor => apply1(elementwise.reciprocal, [this], undefined)
  square = (): Tensor => apply1(elementwise.square, [this], undefined)
  pow = (exponent: number): Tensor => apply1(elementwise.pow, [this], { exponent })
  abs = (): Tensor => apply1(elementwise.abs, [this], undefined)
  sign = (): Tensor => apply1(elementwise.sign, [this], undefined)
  sin = (): Tensor => apply1(elementwise.sin, [this], undefined)
  cos = (): Tensor => apply1(elementwise.cos, [this], undefined)
  atan = (): Tensor => apply1(elementwise.atan, [this], undefined)
  tanh = (): Tensor => apply1(elementwise.tanh, [this], undefined)
  sigmoid = (): Tensor => apply1(elementwise.sigmoid, [this], undefined)
  erf = (): Tensor => apply1(elementwise.erf, [this], undefined)
  relu = (): Tensor => apply1(elementwise.relu, [this], undefined)
  reluSquared = (): Tensor => apply1(elementwise.reluSquared, [this], undefined)
  silu = (): Tensor => apply1(elementwise.silu, [this], undefined)
  quickGelu = (): Tensor => apply1(elementwise.quickGelu, [this], undefined)
  toFloat = (): Tensor => apply1(elementwise.toFloat, [this], undefined)
  where = (a: Tensor | number, b: Tensor | number): Tensor =>
    apply1(elementwise.where, [this, lift(a), lift(b)], undefined)
  stopGradient = (): Tensor => apply1(elementwise.stopGradient, [this], undefined)
  barrier = (after: Tensor): Tensor => apply1(elementwise.barrier, [this, after], undefined)

  // ── shape ───────────────────────────────────────────────────────────────────────────────────────────────────────
  reshape = (shape: Shape): Tensor => {
    const known = sizeOf(shape.filter((n) => n !== -1))
    const full = shape.map((n) => (n === -1 ? this.size / known : n))
    return sameShape(full, this.shape) ? this : apply1(shaping.reshape, [this], { shape: full })
  }
  transpose = (perm: readonly number[]): Tensor => apply1(shaping.transpose, [this], { perm })
  swapLast = (): Tensor => {
    const rank = this.shape.length
    return this.transpose([...this.shape.keys()].slice(0, -2).concat(rank - 1, rank - 2))
  }
  broadcastTo = (shape: Shape): Tensor =>
    sameShape(shape, this.shape) ? this : apply1(shaping.broadcastTo, [this], { shape })
  concat = (others: readonly Tensor[], axis: number): Tensor =>
    others.length === 0 ? this : apply1(shaping.concat, [this, ...others], { axis: this.#axis(axis) })
  split = (sizes: readonly number[], axis: number): readonly Tensor[] =>
    sizes.length === 1 && sizes[0] === this.shape.at(axis)
      ? [this]
      : apply(shaping.split, [this], { sizes, axis: this.#axis(axis) })
  slice = (starts: readonly number[], ends: readonly number[], steps: Shape = starts.map(() => 1)): Tensor =>
    starts.every((n) => n === 0) && steps.every((n) => n === 1) && sameShape(ends, this.shape)
      ? this
      : apply1(shaping.slice, [this], { starts, ends, steps })
  pad = (before: readonly number[], after: readonly number[]): Tensor =>
    [...before, ...after].every((n) => n === 0) ? this : apply1(shaping.pad, [this], { before, after })
  dilate = (steps: readonly number[]): Tensor => {
    if (steps.every((n) => n === 1)) return this
    const rank = this.shape.length
    const pairs = this.reshape(this.shape.flatMap((n) => [n, 1]))
    const after = Array.from({ length: 2 * rank }, (_, i) => (i % 2 === 1 ? steps[(i - 1) / 2]! - 1 : 0))
    const spread = pairs.pad(Array(2 * rank).fill(0), after).reshape(this.shape.map((n, i) => n * steps[i]!))
    return spread.slice(
      this.shape.map(() => 0),
      this.shape.map((n, i) => (n - 1) * steps[i]! + 1),
    )
  }

  // ── reductions ──────────────────────────────────────────────────────────────────────────────────────────────────
  sum = (axes?: readonly number[], keepdims = false): Tensor => this.#reduce(shaping.sum, axes, keepdims)
  sumSquares = (axes?: readonly number[], keepdims = false): Tensor =>
    (axes ?? this.shape).length === 0 ? this.square() : this.#reduce(shaping.sumSquares, axes, keepdims)
  mean = (axes?: readonly number[], keepdims = false): Tensor => {
    const sum = this.sum(axes, keepdims)
    return sum.mul(sum.size / this.size)
  }

  // ── linear algebra and networks ─────────────────────────────────────────────────────────────────────────────────
  matmul = (other: Tensor): Tensor => apply1(linear.matmul, [this, other], undefined)
  conv2d = (weight: Tensor, attrs: ConvAttrs): Tensor => apply1(linear.conv2d, [this, weight], attrs)
  convTranspose2d = (weight: Tensor, attrs: ConvTransposeAttrs): Tensor =>
    apply1(linear.convTranspose2d, [this, weight], attrs)
  convWeightGrad = (cotangent: Tensor, { kernel, strides, pads, groups }: ConvAttrs): Tensor =>
    apply1(linear.convWeightGrad, [this, cotangent], { kernel, strides, pads, groups })
  softmax = (): Tensor => apply1(normalize.softmax, [this], undefined)
  logSoftmax = (): Tensor => apply1(normalize.logSoftmax, [this], undefined)
  layerNorm = (eps = 1e-5): Tensor => apply1(normalize.layerNorm, [this], { eps })
  gather = (ids: Tensor): Tensor => apply1(shaping.gather, [this, ids], undefined)
  scatterAdd = (ids: Tensor, rows: number): Tensor => apply1(shaping.scatterAdd, [this, ids], { rows })

  zerosLike = (): Tensor => constant(0).broadcastTo(this.shape)

  #axis(axis: number): number {
    return axis < 0 ? axis + this.shape.length : axis
  }
  #reduce(
    op: Op<{ axes: readonly number[] }>,
    axes: readonly number[] | undefined,
    keepdims: boolean,
  ): Tensor {
    const rank = this.shape.length
    const list = axes === undefined ? [...Array(rank).keys()] : normalizeAxes(axes, rank, op.name)
    const reduced = list.length === 0 ? this : apply1(op, [this], { axes: list })
    return keepdims ? reduced.reshape(this.shape.map((n, i) => (list.includes(i) ? 1 : n))) : reduced
  }
}

const lift = (value: Tensor | number): Tensor => (typeof value === 'number' ? constant(value) : value)

/** Tensors, at least one, side by side along an axis: the inverse of `split`. */
export const joined = ([first, ...others]: readonly Tensor[], axis = 0): Tensor => first!.concat(others, axis)

/** An input of a program. */
export const input = (name: string, shape: Shape, dtype: DType = 'float32'): Tensor =>
  new SymbolicTensor(shape, dtype, { input: name })

/** A float32 constant: a scalar, or values with a shape. */
export const constant = (values: number | readonly number[] | Float32Array, shape: Shape = []): Tensor => {
  const data = typeof values === 'number' ? Float32Array.of(values) : Float32Array.from(values)
  if (data.length !== sizeOf(shape))
    throw new RangeError(`constant: ${data.length} values do not fill ${show(shape)}`)
  return new SymbolicTensor(shape, 'float32', { values: data })
}
