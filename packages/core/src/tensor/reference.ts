/**
 * Programs by plain loops, in float64. Slow and simple on purpose: every op is written down a second time, straight
 * from its definition, so that derivative rules can be held against finite differences without float32 noise, and
 * emitted ONNX graphs against something that shares no code with them.
 */
import { nodesOf } from './autodiff.js'
import * as elementwise from './ops/elementwise.js'
import * as linear from './ops/linear.js'
import * as normalize from './ops/normalize.js'
import { dims, sizeOf } from './ops/op.js'
import * as shaping from './ops/shape.js'
import type { Program } from './program.js'
import { HostArray, type Runtime } from './runtime.js'
import type { ConvAttrs, Op, Shape, Tensor } from './types.js'

/** Values for an input: floats, or integers for int64, or 0 and 1 for bool. */
export type ReferenceValues = ArrayLike<number> | ArrayLike<bigint>

/**
 * Evaluates a program. Everything is computed in float64, constants being the float32 numbers that they are.
 *
 * @throws RangeError naming the input that is missing or has the wrong number of elements.
 */
export const interpret = (
  program: Program,
  inputs: Readonly<Record<string, ReferenceValues>>,
): Record<string, Float64Array> => {
  const known = new Map<Tensor, Float64Array>()
  for (const [name, tensor] of Object.entries(program.inputs)) {
    const values = inputs[name]
    if (values?.length !== tensor.size) throw wrongSize(name, values, tensor)
    known.set(tensor, toFloat64(values))
  }
  const lookUp = (tensor: Tensor): Float64Array => {
    const { source } = tensor
    const value = known.get(tensor) ?? ('values' in source ? toFloat64(source.values) : undefined)
    if (!value) throw new Error('the program uses a tensor that is not among its inputs')
    return value
  }
  const outputs = Object.entries(program.outputs)
  for (const { op, inputs, outputs: results, attrs } of nodesOf(outputs.map(([, tensor]) => tensor))) {
    const evaluate = evaluators.get(op.name)
    if (!evaluate) throw new Error(`${op.name}: the reference interpreter does not know this op`)
    const operands = inputs.map((x) => ({ shape: x.shape, data: lookUp(x) }))
    for (const [k, y] of results.entries()) known.set(y, evaluate(operands, attrs, y.shape, k))
  }
  return Object.fromEntries(outputs.map(([name, tensor]) => [name, lookUp(tensor).slice()]))
}

/** The interpreter as a runtime. Its results are rounded to float32 at the very end. */
export const referenceRuntime: Runtime = {
  name: 'reference (float64, slow)',
  memory: 'host',
  hold: (values) => new HostArray(values),
  compile: async (program, { constants = {}, state = {} } = {}) => {
    const held = Object.entries(state).map(([name, array]) => [name, HostArray.of(array).values] as const)
    const arrays = Object.fromEntries(held)
    return {
      run: async (inputs, into = {}) => {
        const results = Object.entries(interpret(program, { ...inputs, ...constants, ...arrays }))
        const out: Record<string, Float32Array> = {}
        for (const [name, values] of results) {
          const place = arrays[name] ?? into[name] ?? new Float32Array(values.length)
          place.set(values)
          if (!arrays[name]) out[name] = place
        }
        return out
      },
      release: async () => {},
    }
  },
}

const toFloat64 = (values: ReferenceValues): Float64Array =>
  Float64Array.from(values as ArrayLike<number>, Number)

const wrongSize = (name: string, values: ReferenceValues | undefined, { shape }: Tensor): RangeError =>
  new RangeError(`input ${name}: ${values?.length ?? 'no'} values given, [${shape.join(', ')}] expected`)

// ── arrays ──────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Values {
  readonly shape: Shape
  readonly data: Float64Array
}

/** Calls `visit` with every index into `shape`, in order. The index is one array, changed in place. */
const forEachIndex = (shape: Shape, visit: (index: readonly number[], position: number) => void): void => {
  const index = shape.map(() => 0)
  for (let position = 0; position < sizeOf(shape); position++) {
    visit(index, position)
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0
  }
}

const tabulate = (shape: Shape, value: (index: readonly number[]) => number): Float64Array => {
  const out = new Float64Array(sizeOf(shape))
  forEachIndex(shape, (index, position) => {
    out[position] = value(index)
  })
  return out
}

/** Where an index points to. Axes of size 1, and leading axes that `shape` lacks, are ignored: numpy's broadcasting. */
const positionIn = (shape: Shape, index: readonly number[]): number => {
  const skip = index.length - shape.length
  return shape.reduce((position, n, axis) => position * n + (n === 1 ? 0 : index[skip + axis]!), 0)
}

const at = ({ shape, data }: Values, index: readonly number[]): number => data[positionIn(shape, index)]!

/** Applies `f` to every row (vector along the last axis). */
const mapRows = ({ shape, data }: Values, f: (row: Float64Array) => Float64Array): Float64Array => {
  const out = new Float64Array(data.length)
  const width = shape.at(-1)!
  for (let i = 0; i < data.length; i += width) out.set(f(data.subarray(i, i + width)), i)
  return out
}

/** Adds up `f` of all elements that differ only along `axes`. */
const reduce = (x: Values, axes: readonly number[], output: Shape, f: (value: number) => number) => {
  const out = new Float64Array(sizeOf(output))
  forEachIndex(x.shape, (index, position) => {
    const target = index.filter((_, axis) => !axes.includes(axis))
    out[positionIn(output, target)]! += f(x.data[position]!)
  })
  return out
}

/** Calls `visit` for every product x·w that conv2d adds to y, with the three positions. Its adjoints share the loop. */
const forEachProduct = (
  [xs, ws, ys]: readonly [Shape, Shape, Shape],
  { strides, pads, groups }: ConvAttrs,
  visit: (x: number, w: number, y: number) => void,
): void => {
  const [, channels, height, width] = dims({ shape: xs }, 4, 'conv2d')
  const outputsPerGroup = ws[0]! / groups
  forEachIndex(ys, ([n, o, i, j], y) => {
    const firstChannel = Math.floor(o! / outputsPerGroup) * (channels / groups)
    forEachIndex(ws.slice(1), ([c, ki, kj], tap) => {
      const row = i! * strides[0] + ki! - pads[0]
      const column = j! * strides[1] + kj! - pads[1]
      if (row < 0 || row >= height || column < 0 || column >= width) return
      const x = positionIn(xs, [n!, firstChannel + c!, row, column])
      visit(x, o! * sizeOf(ws.slice(1)) + tap, y)
    })
  })
}

const mean = (row: Float64Array): number => row.reduce((sum, x) => sum + x, 0) / row.length

/** 2/√π · exp(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n+1)): all terms have one sign, so nothing cancels. */
const erf = (x: number): number => {
  if (Math.abs(x) > 6) return Math.sign(x)
  let sum = 0
  let term = x
  for (let n = 1; sum + term !== sum; n++) {
    sum += term
    term *= (2 * x * x) / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

// ── one evaluator per op ────────────────────────────────────────────────────────────────────────────────────────────

/** Values of output number k, which has the given shape. */
type Evaluate<A> = (inputs: readonly Values[], attrs: A, output: Shape, k: number) => Float64Array

const rule = <A>(op: Op<A>, evaluate: Evaluate<A>) => [op.name, evaluate as Evaluate<unknown>] as const

const map = <A>(op: Op<A>, f: (operands: number[], attrs: A) => number) =>
  rule(op, (inputs, attrs, output) =>
    tabulate(output, (index) =>
      f(
        inputs.map((x) => at(x, index)),
        attrs,
      ),
    ),
  )
const unary = (op: Op<undefined>, f: (x: number) => number) => map(op, ([x]) => f(x!))
const binary = (op: Op<undefined>, f: (a: number, b: number) => number) => map(op, ([a, b]) => f(a!, b!))

const evaluators: ReadonlyMap<string, Evaluate<unknown>> = new Map([
  unary(elementwise.exp, Math.exp),
  unary(elementwise.log, Math.log),
  unary(elementwise.sqrt, Math.sqrt),
  unary(elementwise.reciprocal, (x) => 1 / x),
  unary(elementwise.tanh, Math.tanh),
  unary(elementwise.sigmoid, sigmoid),
  unary(elementwise.sin, Math.sin),
  unary(elementwise.cos, Math.cos),
  unary(elementwise.atan, Math.atan),
  unary(elementwise.erf, erf),
  unary(elementwise.abs, Math.abs),
  unary(elementwise.sign, Math.sign),
  unary(elementwise.relu, (x) => Math.max(x, 0)),
  unary(elementwise.reluSquared, (x) => Math.max(x, 0) ** 2),
  unary(elementwise.square, (x) => x * x),
  unary(elementwise.quickGelu, (x) => x * sigmoid(Math.fround(1.702) * x)),
  unary(elementwise.silu, (x) => x * sigmoid(x)),
  unary(elementwise.neg, (x) => -x),
  map(elementwise.pow, ([x], { exponent }) => x! ** exponent),
  binary(elementwise.add, (a, b) => a + b),
  binary(elementwise.sub, (a, b) => a - b),
  binary(elementwise.mul, (a, b) => a * b),
  binary(elementwise.div, (a, b) => a / b),
  binary(elementwise.maximum, Math.max),
  binary(elementwise.minimum, Math.min),
  binary(elementwise.less, (a, b) => Number(a < b)),
  binary(elementwise.equal, (a, b) => Number(a === b)),
  unary(elementwise.toFloat, (x) => x),
  map(elementwise.where, ([condition, a, b]) => (condition ? a! : b!)),
  unary(elementwise.stopGradient, (x) => x),
  rule(elementwise.barrier, ([x]) => x!.data),

  rule(shaping.reshape, ([x]) => x!.data),
  rule(shaping.transpose, ([x], { perm }, output) =>
    tabulate(output, (index) =>
      at(
        x!,
        perm.map((_, axis) => index[perm.indexOf(axis)]!),
      ),
    ),
  ),
  rule(shaping.broadcastTo, ([x], _, output) => tabulate(output, (index) => at(x!, index))),
  rule(shaping.concat, (inputs, { axis }, output) =>
    tabulate(output, (index) => {
      let rest = index[axis]!
      let piece = 0
      while (rest >= inputs[piece]!.shape[axis]!) rest -= inputs[piece++]!.shape[axis]!
      return at(inputs[piece]!, index.with(axis, rest))
    }),
  ),
  rule(shaping.split, ([x], { sizes, axis }, output, k) => {
    const start = sizes.slice(0, k).reduce((sum, n) => sum + n, 0)
    return tabulate(output, (index) => at(x!, index.with(axis, start + index[axis]!)))
  }),
  rule(shaping.slice, ([x], { starts, steps }, output) =>
    tabulate(output, (index) =>
      at(
        x!,
        index.map((n, axis) => starts[axis]! + n * steps[axis]!),
      ),
    ),
  ),
  rule(shaping.pad, ([x], { before }, output) =>
    tabulate(output, (index) => {
      const source = index.map((n, axis) => n - before[axis]!)
      return source.every((n, axis) => n >= 0 && n < x!.shape[axis]!) ? at(x!, source) : 0
    }),
  ),
  rule(shaping.sum, ([x], { axes }, output) => reduce(x!, axes, output, (value) => value)),
  rule(shaping.sumSquares, ([x], { axes }, output) => reduce(x!, axes, output, (value) => value * value)),
  rule(shaping.gather, ([table, ids], _, output) =>
    tabulate(output, (index) => at(table!, [at(ids!, index.slice(0, -1)), index.at(-1)!])),
  ),
  rule(shaping.scatterAdd, ([updates, ids], _, output) => {
    const out = new Float64Array(sizeOf(output))
    forEachIndex(updates!.shape, (index, position) => {
      const row = at(ids!, index.slice(0, -1))
      out[positionIn(output, [row, index.at(-1)!])]! += updates!.data[position]!
    })
    return out
  }),

  rule(linear.matmul, ([a, b], _, output) =>
    tabulate(output, (index) => {
      const [row, column] = index.slice(-2)
      let sum = 0
      for (let k = 0; k < a!.shape.at(-1)!; k++)
        sum += at(a!, [...index.slice(0, -2), row!, k]) * at(b!, [...index.slice(0, -2), k, column!])
      return sum
    }),
  ),
  rule(linear.conv2d, ([x, w], attrs, output) => {
    const out = new Float64Array(sizeOf(output))
    forEachProduct([x!.shape, w!.shape, output], attrs, (i, j, k) => {
      out[k]! += x!.data[i]! * w!.data[j]!
    })
    return out
  }),
  rule(linear.convTranspose2d, ([g, w], attrs, output) => {
    const out = new Float64Array(sizeOf(output))
    forEachProduct([output, w!.shape, g!.shape], attrs, (i, j, k) => {
      out[i]! += g!.data[k]! * w!.data[j]!
    })
    return out
  }),
  rule(linear.convWeightGrad, ([x, g], attrs, output) => {
    const out = new Float64Array(sizeOf(output))
    forEachProduct([x!.shape, output, g!.shape], attrs, (i, j, k) => {
      out[j]! += x!.data[i]! * g!.data[k]!
    })
    return out
  }),

  rule(normalize.softmax, ([x]) =>
    mapRows(x!, (row) => {
      const top = Math.max(...row)
      const powers = row.map((value) => Math.exp(value - top))
      const sum = powers.reduce((a, b) => a + b, 0)
      return powers.map((value) => value / sum)
    }),
  ),
  rule(normalize.logSoftmax, ([x]) =>
    mapRows(x!, (row) => {
      const top = Math.max(...row)
      const logSum = top + Math.log(row.reduce((sum, value) => sum + Math.exp(value - top), 0))
      return row.map((value) => value - logSum)
    }),
  ),
  rule(normalize.layerNorm, ([x], { eps }) =>
    mapRows(x!, (row) => {
      const centred = row.map((value) => value - mean(row))
      const deviation = Math.sqrt(mean(centred.map((value) => value * value)) + eps)
      return centred.map((value) => value / deviation)
    }),
  ),
])
