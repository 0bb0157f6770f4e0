/** For tests only (not exported from the package): the programs of an op's cases, with all their derivatives. */
import { grad, jvp, vjp } from './autodiff.js'
import type { Program } from './program.js'
import { interpret } from './reference.js'
import { constant, input } from './tensor.js'
import { anywhere, draw, generator, narrowed, type OpCase, type Operand } from './testing.js'
import type { Shape, Tensor } from './types.js'

/** What a case's program computes. Every list has one tensor per output (y, jvp) or per float32 operand (the others). */
export interface CaseResults {
  /** f(x) */
  readonly y: readonly Tensor[]
  /** The tangents of f(x) for tangents v of x. */
  readonly jvp: readonly Tensor[]
  /** The cotangents of x for cotangents c of f(x). */
  readonly vjp: readonly Tensor[]
  /** The gradient of the scalar s(x) = Σ c·f(x) + ½‖f(x)‖². */
  readonly gradient: readonly Tensor[]
  /** ∂²s·v, by differentiating the gradient forwards … */
  readonly hvpForward: readonly Tensor[]
  /** … and in reverse. */
  readonly hvpReverse: readonly Tensor[]
}

export interface CaseProgram {
  readonly inputs: Record<string, Tensor>
  readonly values: Record<string, Float64Array>
  readonly results: CaseResults
}

/**
 * The derivatives of a case at its operands x<i>, in directions v<i> (for those that are float32), for cotangents
 * c<i>. The cotangents merely broadcast to the outputs, as those of a mean do.
 */
export const caseProgram = ({ operands, apply: f }: OpCase, seed: number, prefix = ''): CaseProgram => {
  const random = generator(seed)
  const inputs: Record<string, Tensor> = {}
  const values: Record<string, Float64Array> = {}
  const operand = (name: string, { shape, dtype, values: data }: Operand): Tensor => {
    values[prefix + name] = data
    inputs[prefix + name] = input(prefix + name, shape, dtype)
    return inputs[prefix + name]!
  }
  const direction = (name: string, shape: Shape): Tensor =>
    operand(name, { shape, dtype: 'float32', values: draw(shape, anywhere, random) })

  const all = operands.map((x, i) => operand(`x${i}`, x))
  const x = all.filter(({ dtype }) => dtype === 'float32')
  const v = x.map((tensor) => direction(`v${all.indexOf(tensor)}`, tensor.shape))
  const y = f(all)
  const c = y.map(({ shape }, i) => direction(`c${i}`, narrowed(shape, random)))
  const inner = (a: readonly Tensor[], b: readonly Tensor[]): Tensor =>
    a.reduce((sum, t, i) => sum.add(t.mul(b[i]!).sum()), constant(0))
  const gradient = grad(inner(y, c).add(inner(y, y).mul(0.5)), x)
  return {
    inputs,
    values,
    results: {
      y,
      jvp: jvp(y, x, v),
      vjp: vjp(y, x, c),
      gradient,
      hvpForward: jvp(gradient, x, v),
      hvpReverse: grad(inner(gradient, v), x),
    },
  }
}

/** A program from lists of tensors: tensor number i of the list `name` becomes the output `<prefix><name><i>`. */
export const listProgram = (
  inputs: Readonly<Record<string, Tensor>>,
  lists: Readonly<Record<string, readonly Tensor[]>>,
  prefix = '',
): Program => ({
  inputs,
  outputs: Object.fromEntries(
    Object.entries(lists).flatMap(([name, list]) => list.map((t, i) => [`${prefix}${name}${i}`, t])),
  ),
})

/** d/dε of a program's outputs at x + εv, from a five-point stencil (its error is of order h⁴). */
export const finiteDifferences = (
  program: Program,
  values: Readonly<Record<string, Float64Array>>,
  directions: Readonly<Record<string, Float64Array>>,
  h = 1e-3,
): Record<string, Float64Array> => {
  const at = (steps: number) =>
    interpret(
      program,
      Object.fromEntries(
        Object.entries(values).map(([name, x]) => {
          const v = directions[name]
          return [name, v ? x.map((value, i) => value + steps * h * v[i]!) : x]
        }),
      ),
    )
  const [twoBack, back, ahead, twoAhead] = [at(-2), at(-1), at(1), at(2)]
  const slope = (name: string) => (_: number, i: number) =>
    (8 * (ahead[name]![i]! - back[name]![i]!) - (twoAhead[name]![i]! - twoBack[name]![i]!)) / (12 * h)
  return Object.fromEntries(Object.entries(ahead).map(([name, y]) => [name, y.map(slope(name))]))
}
