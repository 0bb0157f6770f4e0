/**
 * What tensors, nodes and ops are to each other: nodes apply ops to tensors, ops say how tensors are differentiated, and
 * tensors make nodes. Types alone, below all of them.
 */

export type DType = 'float32' | 'int64' | 'bool'
export type Shape = readonly number[]

/** What has a shape: a tensor, a parameter. */
export interface Sized {
  readonly shape: Shape
}

/** What a tensor without a node is: an input of the program, or a constant. */
export type Leaf = { readonly input: string } | { readonly values: Float32Array | BigInt64Array }

/** One application of an op. Nodes are numbered as they are made, so inputs always have smaller numbers. */
export interface Node {
  readonly id: number
  /** The checkpointed block that it belongs to, if any. */
  readonly region: symbol | undefined
  readonly op: Op<unknown>
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  readonly attrs: unknown
}

/** A value of a graph, of which only shape and type are known. */
export interface Tensor extends Sized {
  readonly dtype: DType
  /** Where it comes from. */
  readonly source: Node | Leaf
  /** The node that makes this tensor, if it is not a leaf. */
  readonly node: Node | undefined
  /** Number of elements. */
  readonly size: number

  // ── elementwise ─────────────────────────────────────────────────────────────────────────────────────────────────
  add(other: Tensor | number): Tensor
  sub(other: Tensor | number): Tensor
  mul(other: Tensor | number): Tensor
  div(other: Tensor | number): Tensor
  maximum(other: Tensor | number): Tensor
  minimum(other: Tensor | number): Tensor
  /** this < other, as booleans. */
  less(other: Tensor | number): Tensor
  equal(other: Tensor | number): Tensor
  neg(): Tensor
  exp(): Tensor
  log(): Tensor
  sqrt(): Tensor
  reciprocal(): Tensor
  square(): Tensor
  pow(exponent: number): Tensor
  abs(): Tensor
  sign(): Tensor
  sin(): Tensor
  cos(): Tensor
  atan(): Tensor
  tanh(): Tensor
  sigmoid(): Tensor
  erf(): Tensor
  relu(): Tensor
  reluSquared(): Tensor
  silu(): Tensor
  quickGelu(): Tensor
  toFloat(): Tensor
  /** Where this (a boolean) holds `a`, elsewhere `b`. */
  where(a: Tensor | number, b: Tensor | number): Tensor
  /** The same values, as a constant to every derivative. */
  stopGradient(): Tensor
  /** The same values, not to be computed before `after` is. */
  barrier(after: Tensor): Tensor

  // ── shape ───────────────────────────────────────────────────────────────────────────────────────────────────────
  /** One size may be −1: it takes what is left. */
  reshape(shape: Shape): Tensor
  transpose(perm: readonly number[]): Tensor
  /** Exchanges the last two axes. */
  swapLast(): Tensor
  broadcastTo(shape: Shape): Tensor
  concat(others: readonly Tensor[], axis: number): Tensor
  split(sizes: readonly number[], axis: number): readonly Tensor[]
  /** x[starts:ends:steps] along every axis. */
  slice(starts: readonly number[], ends: readonly number[], steps?: Shape): Tensor
  pad(before: readonly number[], after: readonly number[]): Tensor
  /** Puts `steps[i] − 1` zeros between neighbours along axis i: the adjoint of a strided slice. */
  dilate(steps: readonly number[]): Tensor

  // ── reductions ──────────────────────────────────────────────────────────────────────────────────────────────────
  /** Sum over axes (all of them by default), which are removed or kept with size 1. */
  sum(axes?: readonly number[], keepdims?: boolean): Tensor
  sumSquares(axes?: readonly number[], keepdims?: boolean): Tensor
  mean(axes?: readonly number[], keepdims?: boolean): Tensor

  // ── linear algebra and networks ─────────────────────────────────────────────────────────────────────────────────
  matmul(other: Tensor): Tensor
  conv2d(weight: Tensor, attrs: ConvAttrs): Tensor
  convTranspose2d(weight: Tensor, attrs: ConvTransposeAttrs): Tensor
  convWeightGrad(cotangent: Tensor, attrs: ConvAttrs): Tensor
  softmax(): Tensor
  logSoftmax(): Tensor
  layerNorm(eps?: number): Tensor
  /** Rows of this table [V, D] by int64 indices [...]: [..., D]. */
  gather(ids: Tensor): Tensor
  /** Adds these rows [..., D] up into a table of zeros [rows, D], each where its int64 index [...] says. */
  scatterAdd(ids: Tensor, rows: number): Tensor
  zerosLike(): Tensor
}

/** Geometry of a two-dimensional convolution. `kernel` is [height, width]; `pads` is [top, left, bottom, right]. */
export interface ConvAttrs {
  readonly kernel: readonly [number, number]
  readonly strides: readonly [number, number]
  readonly pads: readonly [number, number, number, number]
  readonly groups: number
}
/** A transposed convolution also needs to be told the size of its output, since several fit. */
export interface ConvTransposeAttrs extends ConvAttrs {
  readonly size: readonly [number, number]
}

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
