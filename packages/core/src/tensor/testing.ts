/**
 * For tests only (not exported from the package): random uses of every op. `testing-programs.ts` makes programs of them,
 * which are held against finite differences in this package and against onnxruntime in the other one.
 */
import fc from 'fast-check'
import { Random } from '../random/index.js'
import * as elementwise from './ops/elementwise.js'
import * as linear from './ops/linear.js'
import * as normalize from './ops/normalize.js'
import * as shaping from './ops/shape.js'
import { apply } from './tensor.js'
import type { DType, Op, Shape, Tensor } from './types.js'

/** Every op there is, by name. */
export const opTable: ReadonlyMap<string, Op<unknown>> = new Map(
  [elementwise, linear, normalize, shaping].flatMap((module) =>
    Object.values(module).map((op) => [op.name, op as Op<unknown>]),
  ),
)

/** An argument of an op: its values are float32 numbers, or integers. */
export interface Operand {
  readonly shape: Shape
  readonly dtype: DType
  readonly values: Float64Array
}

/** One use of an op: operands away from kinks, and what to do with them. */
export interface OpCase {
  readonly operands: readonly Operand[]
  readonly apply: (operands: readonly Tensor[]) => readonly Tensor[]
  /** False where finite differences do not tell the derivative (comparisons at ties, stopGradient). */
  readonly smooth: boolean
}

// ── values ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Where values are drawn from, as a function of a generator. */
type Domain = (random: Random) => number

export const anywhere: Domain = (random) => 4 * random.uniform() - 2
const positive: Domain = (random) => 0.3 + 2 * random.uniform()
const awayFromZero: Domain = (random) => (random.uniform() < 0.5 ? -1 : 1) * (0.2 + 1.5 * random.uniform())
/** Two grids whose points are never closer than 0.1. */
const evenGrid: Domain = (random) => 0.2 * (random.integer(20) - 10)
const oddGrid: Domain = (random) => 0.2 * (random.integer(20) - 10) + 0.1
const smallInteger: Domain = (random) => random.integer(3)

export const generator = (seed: number): Random => new Random({ seed, stream: 0, step: 0, index: 0 })

export const draw = (shape: Shape, domain: Domain, random: Random): Float64Array =>
  Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.fround(domain(random)))

type OperandSpec = readonly [shape: Shape, domain?: Domain, dtype?: DType]

/** A case from the shapes of its operands. */
const useCase = (
  seed: number,
  specs: readonly OperandSpec[],
  apply: OpCase['apply'],
  smooth = true,
): OpCase => {
  const random = generator(seed)
  const operands = specs.map(([shape, domain = anywhere, dtype = 'float32']) => ({
    shape,
    dtype,
    values: draw(shape, domain, random),
  }))
  return { operands, apply, smooth }
}

// ── shapes and attributes ───────────────────────────────────────────────────────────────────────────────────────────

const seed = fc.nat()
const size = fc.integer({ min: 1, max: 4 })
const shapeOf = (minLength: number, maxLength = 4) =>
  fc.array(fc.integer({ min: 1, max: 3 }), { minLength, maxLength })
const perAxis = <T>(shape: Shape, one: fc.Arbitrary<T>) =>
  fc.array(one, { minLength: shape.length, maxLength: shape.length })
/** An axis of a tensor, counted from either end. */
const axisOf = (shape: Shape) => fc.integer({ min: -shape.length, max: shape.length - 1 })
const axesOf = (shape: Shape) =>
  perAxis(shape, fc.constantFrom('out', 'front', 'back')).map((choices) =>
    choices.flatMap((choice, i) => (choice === 'out' ? [] : [choice === 'front' ? i : i - shape.length])),
  )

/** A shape that broadcasts to `to`: leading axes dropped, others of size 1. */
export const narrowed = (to: Shape, random: Random): Shape =>
  to.map((n) => (random.integer(3) === 0 ? 1 : n)).slice(random.integer(2) * random.integer(to.length + 1))

/** Shapes that broadcast together, in every direction. */
const broadcastable = (count: number, maxRank = 4) =>
  fc.tuple(shapeOf(0, maxRank), seed).map(([full, n]) => {
    const random = generator(n)
    return Array.from({ length: count }, () => narrowed(full, random))
  })

/** A convolution's attributes and the shapes of x, w and y. */
const convolution = fc
  .record({
    batch: fc.integer({ min: 1, max: 2 }),
    groups: fc.integer({ min: 1, max: 3 }),
    inputs: fc.integer({ min: 1, max: 2 }),
    outputs: fc.integer({ min: 1, max: 2 }),
    kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    strides: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
    pads: fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.nat(2)),
    out: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    rest: fc.tuple(fc.nat(1), fc.nat(1)),
  })
  .map(({ batch, groups, inputs, outputs, kernel, strides, pads, out, rest }) => {
    const side = (i: 0 | 1) =>
      (out[i] - 1) * strides[i] + kernel[i] - pads[i] - pads[i + 2]! + Math.min(rest[i], strides[i] - 1)
    const size: [number, number] = [side(0), side(1)]
    return {
      attrs: { kernel, strides, pads, groups },
      size,
      x: [batch, inputs * groups, ...size],
      w: [outputs * groups, inputs, ...kernel],
      y: [batch, outputs * groups, ...out],
    }
  })
  .filter(({ size }) => size.every((n) => n > 0))

// ── one arbitrary per op ────────────────────────────────────────────────────────────────────────────────────────────

const unary = (f: (x: Tensor) => Tensor, domain = anywhere, smooth = true) =>
  fc.tuple(seed, shapeOf(0)).map(([n, shape]) => useCase(n, [[shape, domain]], ([x]) => [f(x!)], smooth))

const binary = (f: (a: Tensor, b: Tensor) => Tensor, a = anywhere, b = anywhere, smooth = true) =>
  fc.tuple(seed, broadcastable(2)).map(([n, [left, right]]) =>
    useCase(
      n,
      [
        [left!, a],
        [right!, b],
      ],
      ([x, y]) => [f(x!, y!)],
      smooth,
    ),
  )

const reduction = (f: (x: Tensor, axes: readonly number[] | undefined, keepdims: boolean) => Tensor) =>
  shapeOf(0).chain((shape) =>
    fc
      .tuple(seed, fc.option(axesOf(shape), { nil: undefined }), fc.boolean())
      .map(([n, axes, keepdims]) => useCase(n, [[shape]], ([x]) => [f(x!, axes, keepdims)])),
  )

const rows = (f: (x: Tensor) => Tensor) =>
  fc
    .tuple(seed, shapeOf(0, 2), size)
    .map(([n, shape, width]) => useCase(n, [[[...shape, width]]], ([x]) => [f(x!)]))

/** The cases of every op, by its name; and of methods of Tensor that compose several ops. */
export const opCases: Readonly<Record<string, fc.Arbitrary<OpCase>>> = {
  exp: unary((x) => x.exp()),
  log: unary((x) => x.log(), positive),
  sqrt: unary((x) => x.sqrt(), positive),
  reciprocal: unary((x) => x.reciprocal(), awayFromZero),
  tanh: unary((x) => x.tanh()),
  sigmoid: unary((x) => x.sigmoid()),
  sin: unary((x) => x.sin()),
  cos: unary((x) => x.cos()),
  atan: unary((x) => x.atan()),
  erf: unary((x) => x.erf()),
  abs: unary((x) => x.abs(), awayFromZero),
  sign: unary((x) => x.sign(), awayFromZero),
  relu: unary((x) => x.relu(), awayFromZero),
  reluSquared: unary((x) => x.reluSquared(), awayFromZero),
  square: unary((x) => x.square()),
  quickGelu: unary((x) => x.quickGelu()),
  silu: unary((x) => x.silu()),
  neg: unary((x) => x.neg()),
  pow: fc
    .tuple(
      seed,
      shapeOf(0),
      fc.oneof(
        fc.tuple(fc.constantFrom(0.5, 1.5, -0.25, 2.2), fc.constant(positive)),
        fc.tuple(fc.constantFrom(-2, -1, 0, 1, 2, 3), fc.constant(awayFromZero)),
        fc.tuple(fc.constantFrom(0, 1, 2, 3), fc.constant(smallInteger)),
      ),
    )
    .map(([n, shape, [exponent, domain]]) => useCase(n, [[shape, domain]], ([x]) => [x!.pow(exponent)])),
  add: binary((a, b) => a.add(b)),
  sub: binary((a, b) => a.sub(b)),
  mul: binary((a, b) => a.mul(b)),
  div: binary((a, b) => a.div(b), anywhere, awayFromZero),
  maximum: binary((a, b) => a.maximum(b), evenGrid, oddGrid),
  minimum: binary((a, b) => a.minimum(b), evenGrid, oddGrid),
  less: binary((a, b) => a.less(b).toFloat(), smallInteger, smallInteger, false),
  equal: fc.oneof(
    binary((a, b) => a.equal(b).toFloat(), smallInteger, smallInteger, false),
    fc
      .tuple(seed, broadcastable(3, 3))
      .map(([n, [a, b, x]]) =>
        useCase(n, [[a!, smallInteger, 'int64'], [b!, smallInteger, 'int64'], [x!]], ([i, j, y]) => [
          i!.equal(j!).toFloat().mul(y!),
        ]),
      ),
  ),
  toFloat: fc
    .tuple(seed, broadcastable(2), fc.constantFrom<DType>('int64', 'bool'))
    .map(([n, [a, b], dtype]) =>
      useCase(n, [[a!, (random) => random.integer(dtype === 'bool' ? 2 : 9), dtype], [b!]], ([i, x]) => [
        i!.toFloat().mul(x!),
      ]),
    ),
  where: fc
    .tuple(seed, broadcastable(3))
    .map(([n, [c, a, b]]) =>
      useCase(n, [[c!, (random) => random.integer(2), 'bool'], [a!], [b!]], ([condition, x, y]) => [
        condition!.where(x!, y!),
      ]),
    ),
  stopGradient: unary((x) => x.stopGradient(), anywhere, false),
  barrier: fc
    .tuple(seed, shapeOf(0), shapeOf(0), fc.constantFrom<DType>('float32', 'int64', 'bool'))
    .map(([n, x, after, dtype]) =>
      dtype === 'float32'
        ? useCase(n, [[x], [after]], ([a, b]) => [a!.barrier(b!)])
        : useCase(n, [[x, (random) => random.integer(2), dtype], [x], [after]], ([i, y, b]) => [
            i!.barrier(b!).toFloat().mul(y!),
          ]),
    ),

  reshape: shapeOf(0).chain((shape) =>
    fc.tuple(seed, fc.nat(3), fc.boolean(), fc.boolean()).map(([n, at, merge, infer]) => {
      const next = merge ? [...shape.slice(at), shape.slice(0, at).reduce((a, b) => a * b, 1)] : [...shape]
      next.splice(at, 0, 1)
      if (infer) next[next.length - 1] = -1
      return useCase(n, [[shape]], ([x]) => [x!.reshape(next)])
    }),
  ),
  transpose: shapeOf(0).chain((shape) =>
    fc
      .tuple(seed, fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }))
      .map(([n, perm]) => useCase(n, [[shape]], ([x]) => [x!.transpose(perm)])),
  ),
  broadcastTo: fc
    .tuple(seed, shapeOf(0))
    .map(([n, shape]) => useCase(n, [[narrowed(shape, generator(n))]], ([x]) => [x!.broadcastTo(shape)])),
  concat: shapeOf(1).chain((shape) =>
    fc
      .tuple(seed, axisOf(shape), fc.array(size, { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([n, axis, sizes, direct]) => {
        const at = axis < 0 ? axis + shape.length : axis
        return useCase(
          n,
          sizes.map((length) => [shape.with(at, length)] as const),
          // Directly, it is an op with a single input too.
          ([head, ...rest]) =>
            direct ? apply(shaping.concat, [head!, ...rest], { axis: at }) : [head!.concat(rest, axis)],
        )
      }),
  ),
  split: shapeOf(1).chain((shape) =>
    fc
      .tuple(seed, axisOf(shape), fc.array(size, { minLength: 1, maxLength: 3 }), fc.nat(7))
      .map(([n, axis, sizes, mask]) => {
        const total = sizes.reduce((a, b) => a + b)
        return useCase(n, [[shape.with(axis, total)]], ([x]) => {
          const pieces = x!.split(sizes, axis)
          const used = pieces.filter((_, i) => (mask >> i) % 2 === 1)
          return used.length === 0 ? pieces : used
        })
      }),
  ),
  slice: fc
    .tuple(
      seed,
      fc.array(fc.tuple(fc.nat(2), size, fc.integer({ min: 1, max: 3 }), fc.nat(2)), { maxLength: 4 }),
    )
    .map(([n, axes]) => {
      const starts = axes.map(([start]) => start)
      const ends = axes.map(([start, length]) => start + length)
      const steps = axes.map(([, , step]) => step)
      const shape = axes.map(([start, length, , after]) => start + length + after)
      return useCase(n, [[shape]], ([x]) => [x!.slice(starts, ends, steps)])
    }),
  pad: shapeOf(0).chain((shape) =>
    fc
      .tuple(seed, perAxis(shape, fc.nat(2)), perAxis(shape, fc.nat(2)))
      .map(([n, before, after]) => useCase(n, [[shape]], ([x]) => [x!.pad(before, after)])),
  ),
  sum: reduction((x, axes, keepdims) => x.sum(axes, keepdims)),
  sumSquares: reduction((x, axes, keepdims) => x.sumSquares(axes, keepdims)),
  gather: fc
    .tuple(seed, shapeOf(0, 3), size, size)
    .map(([n, shape, count, width]) =>
      useCase(n, [[[count, width]], [shape, (random) => random.integer(count), 'int64']], ([table, ids]) => [
        table!.gather(ids!),
      ]),
    ),
  scatterAdd: fc
    .tuple(seed, shapeOf(0, 3), size, size)
    .map(([n, shape, count, width]) =>
      useCase(
        n,
        [[[...shape, width]], [shape, (random) => random.integer(count), 'int64']],
        ([updates, ids]) => [updates!.scatterAdd(ids!, count)],
      ),
    ),

  matmul: fc
    .tuple(seed, broadcastable(2, 2), fc.tuple(size, size, size))
    .map(([n, [a, b], [rowCount, inner, columns]]) =>
      useCase(n, [[[...a!, rowCount, inner]], [[...b!, inner, columns]]], ([x, y]) => [x!.matmul(y!)]),
    ),
  conv2d: fc
    .tuple(seed, convolution)
    .map(([n, { attrs, x, w }]) => useCase(n, [[x], [w]], ([a, b]) => [a!.conv2d(b!, attrs)])),
  convTranspose2d: fc
    .tuple(seed, convolution)
    .map(([n, { attrs, size, y, w }]) =>
      useCase(n, [[y], [w]], ([a, b]) => [a!.convTranspose2d(b!, { ...attrs, size })]),
    ),
  convWeightGrad: fc
    .tuple(seed, convolution)
    .map(([n, { attrs, x, y }]) => useCase(n, [[x], [y]], ([a, b]) => [a!.convWeightGrad(b!, attrs)])),

  softmax: rows((x) => x.softmax()),
  logSoftmax: rows((x) => x.logSoftmax()),
  layerNorm: fc.constantFrom(0.0625, 0.5).chain((eps) => rows((x) => x.layerNorm(eps))),

  'Tensor.mean': reduction((x, axes, keepdims) => x.mean(axes, keepdims)),
  'Tensor.swapLast': fc
    .tuple(seed, shapeOf(2))
    .map(([n, shape]) => useCase(n, [[shape]], ([x]) => [x!.swapLast()])),
  'Tensor.dilate': shapeOf(0, 3).chain((shape) =>
    fc
      .tuple(seed, perAxis(shape, fc.integer({ min: 1, max: 3 })))
      .map(([n, steps]) => useCase(n, [[shape]], ([x]) => [x!.dilate(steps)])),
  ),
  'numbers as operands': unary((x) =>
    x.add(2).sub(0.5).mul(1.5).div(4).maximum(-3).less(9).where(x.minimum(7), 1),
  ),
}
