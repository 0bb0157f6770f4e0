import type { Emitter, Op, Tensor } from '../types.js'
import { broadcastShapes, op, total, unbroadcast } from './op.js'

/** y = f(x), elementwise; `derivative` gives f'(x), written with x and y. */
const unary = (
  name: string,
  emit: string | ((emitter: Emitter, x: string) => string),
  derivative: (x: Tensor, y: Tensor) => Tensor | undefined,
): Op<undefined> =>
  op({
    name,
    lazy: true,
    shape: ([x]) => x!,
    emit: (e, [x]) => (typeof emit === 'string' ? e.node(emit, [x!]) : emit(e, x!)),
    vjp: ({ inputs: [x], outputs: [y] }, g) => {
      const d = derivative(x!, y!)
      return [d && g.mul(d)]
    },
    jvp: ({ inputs: [x], outputs: [y] }, [t]) => {
      const d = derivative(x!, y!)
      return t && d && t.mul(d)
    },
  })

export const exp = unary('exp', 'Exp', (_, y) => y)
export const log = unary('log', 'Log', (x) => x.reciprocal())
export const sqrt = unary('sqrt', 'Sqrt', (_, y) => y.reciprocal().mul(0.5))
export const reciprocal = unary('reciprocal', 'Reciprocal', (_, y) => y.square().neg())
export const tanh = unary('tanh', 'Tanh', (_, y) => y.square().neg().add(1))
export const sigmoid = unary('sigmoid', 'Sigmoid', (_, y) => y.sub(y.square()))
export const sin = unary('sin', 'Sin', (x) => x.cos())
export const cos = unary('cos', 'Cos', (x) => x.sin().neg())
export const atan = unary('atan', 'Atan', (x) => x.square().add(1).reciprocal())
export const erf = unary('erf', 'Erf', (x) =>
  x
    .square()
    .neg()
    .exp()
    .mul(2 / Math.sqrt(Math.PI)),
)
export const abs = unary('abs', 'Abs', (x) => x.sign())
export const sign = unary('sign', 'Sign', () => undefined)
export const relu = unary('relu', 'Relu', (_, y) => y.sign())
export const square = unary(
  'square',
  (e, x) => e.node('Mul', [x, x]),
  (x) => x.mul(2),
)
/** x·sigmoid(1.702x), the sigmoid approximation of GELU (Hendrycks & Gimpel 2016); one fused node in onnxruntime. */
export const quickGelu = unary(
  'quickGelu',
  (e, x) => e.node('Mul', [x, e.node('Sigmoid', [e.node('Mul', [x, e.float(1.702)])])]),
  (x, y) => {
    const s = x.mul(1.702).sigmoid()
    return s.add(y.mul(1.702).mul(s.neg().add(1)))
  },
)
/** x·sigmoid(x) (Elfwing et al. 2017). */
export const silu = unary(
  'silu',
  (e, x) => e.node('Mul', [x, e.node('Sigmoid', [x])]),
  (x, y) => {
    const s = x.sigmoid()
    return s.add(y.mul(s.neg().add(1)))
  },
)

export const neg: Op<undefined> = op({
  name: 'neg',
  lazy: true,
  shape: ([x]) => x!,
  emit: (e, [x]) => e.node('Neg', [x!]),
  vjp: (_, g) => [g.neg()],
  jvp: (_, [t]) => t?.neg(),
})

/** relu(x)² (So et al. 2021, Primer). Its derivative 2·relu(x) costs two passes; a GELU's costs seven. */
export const reluSquared: Op<undefined> = op({
  name: 'reluSquared',
  shape: ([x]) => x!,
  emit: (e, [x]) => {
    const r = e.node('Relu', [x!])
    return e.node('Mul', [r, r])
  },
  // The factor 2 stands next to the incoming matrix product, so that onnxruntime folds it into the product's alpha.
  vjp: ({ inputs: [x] }, g) => [g.mul(2).mul(x!.relu())],
  jvp: ({ inputs: [x] }, [t]) => t?.mul(2).mul(x!.relu()),
})

/** xᵖ for a constant p. */
export const pow: Op<{ exponent: number }> = op({
  name: 'pow',
  lazy: true,
  shape: ([x]) => x!,
  emit: (e, [x], { attrs }) => e.node('Pow', [x!, e.float(attrs.exponent)]),
  // x⁰ is constant: by the rule its derivative at 0 would be 0·∞.
  vjp: ({ inputs: [x], attrs: { exponent: p } }, g) => [p === 0 ? undefined : g.mul(x!.pow(p - 1)).mul(p)],
  jvp: ({ inputs: [x], attrs: { exponent: p } }, [t]) => (p === 0 ? undefined : t?.mul(x!.pow(p - 1)).mul(p)),
})

/** z = f(a, b), elementwise with broadcasting; `pull` gives the cotangents before they are summed to shape. */
const binary = (
  name: string,
  type: string,
  pull: (g: Tensor, a: Tensor, b: Tensor, z: Tensor) => [Tensor, Tensor],
  push: (
    ta: Tensor | undefined,
    tb: Tensor | undefined,
    a: Tensor,
    b: Tensor,
    z: Tensor,
  ) => Tensor | undefined,
): Op<undefined> =>
  op({
    name,
    lazy: true,
    shape: ([a, b]) => broadcastShapes(a!, b!, name),
    emit: (e, [a, b]) => e.node(type, [a!, b!]),
    vjp: ({ inputs: [a, b], outputs: [z] }, g) => {
      const [ga, gb] = pull(g, a!, b!, z!)
      return [unbroadcast(ga, z!.shape, a!.shape), unbroadcast(gb, z!.shape, b!.shape)]
    },
    jvp: ({ inputs: [a, b], outputs: [z] }, [ta, tb]) => {
      const t = push(ta, tb, a!, b!, z!)
      return t?.broadcastTo(z!.shape)
    },
  })

export const add = binary('add', 'Add', (g) => [g, g], total)
export const sub = binary(
  'sub',
  'Sub',
  (g) => [g, g.neg()],
  (ta, tb) => total(ta, tb?.neg()),
)
export const mul = binary(
  'mul',
  'Mul',
  (g, a, b) => [g.mul(b), g.mul(a)],
  (ta, tb, a, b) => total(ta?.mul(b), tb?.mul(a)),
)
export const div = binary(
  'div',
  'Div',
  (g, _, b, z) => [g.div(b), g.mul(z).div(b).neg()],
  (ta, tb, _, b, z) => total(ta?.div(b), tb?.mul(z).div(b).neg()),
)
// Where both are equal, the derivative is that of b.
export const maximum = binary(
  'maximum',
  'Max',
  (g, a, b) => [b.less(a).where(g, 0), b.less(a).where(0, g)],
  (ta, tb, a, b) => choose(b.less(a), ta, tb),
)
export const minimum = binary(
  'minimum',
  'Min',
  (g, a, b) => [a.less(b).where(g, 0), a.less(b).where(0, g)],
  (ta, tb, a, b) => choose(a.less(b), ta, tb),
)

/** Elementwise the one of two tangents that `first` picks; either may be absent. */
const choose = (first: Tensor, ta: Tensor | undefined, tb: Tensor | undefined): Tensor | undefined =>
  ta || tb ? first.where(ta ?? 0, tb ?? 0) : undefined

const comparison = (name: string, type: string): Op<undefined> =>
  op({
    name,
    dtype: 'bool',
    shape: ([a, b]) => broadcastShapes(a!, b!, name),
    emit: (e, [a, b]) => e.node(type, [a!, b!]),
  })
export const less = comparison('less', 'Less')
export const equal = comparison('equal', 'Equal')

/** bool or int64 → float32. Carries no gradient. */
export const toFloat: Op<undefined> = op({
  name: 'toFloat',
  dtype: 'float32',
  shape: ([x]) => x!,
  emit: (e, [x]) => e.node('Cast', [x!], { to: 1 }),
})

/** where(condition, a, b), with broadcasting. What is not chosen may be infinite: it does not touch the derivative. */
export const where: Op<undefined> = op({
  name: 'where',
  lazy: true,
  dtype: 'float32',
  shape: ([c, a, b]) => broadcastShapes(c!, broadcastShapes(a!, b!, 'where'), 'where'),
  emit: (e, [c, a, b]) => e.node('Where', [c!, a!, b!]),
  vjp: ({ inputs: [c, a, b], outputs: [z] }, g) => [
    undefined,
    unbroadcast(c!.where(g, 0), z!.shape, a!.shape),
    unbroadcast(c!.where(0, g), z!.shape, b!.shape),
  ],
  jvp: ({ inputs: [c], outputs: [z] }, [, ta, tb]) => choose(c!, ta, tb)?.broadcastTo(z!.shape),
})

/** The identity, through which no derivative passes in either direction. */
export const stopGradient: Op<undefined> = op({
  name: 'stopGradient',
  shape: ([x]) => x!,
  emit: (_, [x]) => x!,
})

/**
 * The identity on its first input, which cannot be computed before the second is known. It keeps a recomputed block
 * from being merged with the first computation, or from running early: see `checkpoint`.
 */
export const barrier: Op<undefined> = op({
  name: 'barrier',
  shape: ([x]) => x!,
  emit: (e, [x, after], { inputs: [held] }) => {
    const first = e.node('Slice', [
      e.node('Reshape', [after!, e.ints([-1])]),
      e.ints([0]),
      e.ints([1]),
      e.ints([0]),
    ])
    const zero = e.node('Squeeze', [e.node('Clip', [first, e.float(0), e.float(0)]), e.ints([0])])
    const { dtype } = held!
    switch (dtype) {
      case 'float32':
        return e.node('Add', [x!, zero])
      case 'int64':
        return e.node('Add', [x!, e.node('Cast', [zero], { to: 7 })])
      case 'bool':
        return e.node('Or', [x!, e.node('Cast', [zero], { to: 9 })])
      default:
        return dtype satisfies never
    }
  },
  vjp: (_, g) => [g, undefined],
  jvp: (_, [t]) => t,
})
