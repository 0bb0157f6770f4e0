/** Derivatives of whole graphs, in float64. What each op contributes is checked in derivatives.test.ts. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  apply,
  checkpoint,
  constant,
  countNodes,
  grad,
  input,
  interpret,
  jvp,
  nodesOf,
  type Op,
  type Tensor,
  vjp,
} from './index.js'
import { generator } from './testing.js'
import { convolutional, type Network, networkValues, someNetwork, transformer } from './testing-networks.js'
import { finiteDifferences, listProgram } from './testing-programs.js'

type Tensors = Readonly<Record<string, Tensor>>
type Values = Readonly<Record<string, Float64Array>>
type Lists = Readonly<Record<string, readonly Tensor[]>>

/** The outputs of a `listProgram`, each list as one list of numbers. */
const joined = <L extends Lists>(outputs: Values, lists: L): { [K in keyof L]: number[] } =>
  Object.fromEntries(
    Object.entries(lists).map(([name, list]) => [name, list.flatMap((_, i) => [...outputs[`${name}${i}`]!])]),
  ) as { [K in keyof L]: number[] }
const compute = <L extends Lists>(inputs: Tensors, values: Values, lists: L) =>
  joined(interpret(listProgram(inputs, lists), values), lists)
const slopesOf = <L extends Lists>(inputs: Tensors, values: Values, lists: L, direction: Values) =>
  joined(finiteDifferences(listProgram(inputs, lists), values, direction), lists)

/** A network at a random point, and a direction v in which all its tensors can move: inputs named <name>.v. */
const setUp = (network: Network, seed: number) => {
  const { shapes } = network
  const names = Object.keys(shapes)
  const x = Object.fromEntries(names.map((name) => [name, input(name, shapes[name]!)]))
  const v = Object.fromEntries(names.map((name) => [`${name}.v`, input(`${name}.v`, shapes[name]!)]))
  const direction = networkValues(network, seed + 1)
  const renamed = Object.fromEntries(names.map((name) => [`${name}.v`, direction[name]!]))
  return {
    inputs: { ...x, ...v },
    values: { ...networkValues(network, seed), ...renamed },
    direction,
    x: Object.values(x),
    v: Object.values(v),
    ...network.apply(x),
  }
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0)
const inner = (a: readonly Tensor[], b: readonly Tensor[]): Tensor =>
  a.reduce((sum, x, i) => sum.add(x.mul(b[i]!).sum()), constant(0))

const expectClose = (got: readonly number[], expected: readonly number[], tolerance: number) => {
  expect(got.length).toBe(expected.length)
  const error = Math.hypot(...got.map((value, i) => value - expected[i]!))
  expect(error).toBeLessThanOrEqual(tolerance * Math.max(1e-3, Math.hypot(...expected)))
}

describe.each([
  ['a transformer', transformer(2, 3, 4)],
  ['a convolutional network', convolutional(1, 4, 6)],
])('the derivatives of %s', (_, network) => {
  const { inputs, values, direction, x, v, features, loss } = setUp(network, 1)
  const gradient = grad(loss, x)

  it('are the slopes that finite differences find', () => {
    const slopes = slopesOf(inputs, values, { features: [features], loss: [loss] }, direction)
    const [dFeatures, dLoss] = jvp([features, loss], x, v)
    const got = compute(inputs, values, { features: [dFeatures!], loss: [dLoss!], v, gradient })
    expectClose(got.features, slopes.features, 1e-9)
    expectClose(got.loss, slopes.loss, 1e-9)
    expectClose([dot(got.gradient, got.v)], slopes.loss, 1e-9)
  })

  it('can be differentiated again, in either mode', () => {
    const curvature = slopesOf(inputs, values, { gradient }, direction).gradient
    const got = compute(inputs, values, {
      jvpOfGrad: jvp(gradient, x, v),
      gradOfGrad: grad(inner(gradient, v), x),
      gradOfJvp: grad(jvp([loss], x, v)[0]!, x),
    })
    for (const list of Object.values(got)) expectClose(list, curvature, 1e-8)
  })
})

describe('vjp and jvp', () => {
  it('are adjoint on any network: ⟨c, J·v⟩ = ⟨Jᵀ·c, v⟩', () => {
    fc.assert(
      fc.property(someNetwork, fc.nat(), ({ plain }, seed) => {
        const { inputs, values, x, v, features } = setUp(plain, seed)
        const random = generator(seed)
        const c = constant(
          Array.from({ length: features.size }, () => random.normal()),
          features.shape,
        )
        const lists = { c: [c], Jv: jvp([features], x, v), JTc: vjp([features], x, [c]), v }
        const got = compute(inputs, values, lists)
        const scale =
          Math.hypot(...got.c) * Math.hypot(...got.Jv) + Math.hypot(...got.JTc) * Math.hypot(...got.v)
        expect(scale).toBeGreaterThan(0)
        expect(Math.abs(dot(got.c, got.Jv) - dot(got.JTc, got.v))).toBeLessThanOrEqual(1e-12 * scale)
      }),
      { numRuns: 60 },
    )
  })

  const x = input('x', [2])
  const values = { x: Float64Array.of(5, 7) }

  it('take several outputs, and add up what flows through each as often as it is named', () => {
    const y = x.square()
    const pulled = vjp([y, y, x], [x], [constant(1), constant([10, 0], [2]), constant(3)])
    const pushed = jvp([y, x], [x], [constant([1, -1], [2])])
    expect(compute({ x }, values, { pulled, pushed })).toEqual({
      pulled: [10 + 100 + 3, 14 + 0 + 3],
      pushed: [10, -14, 1, -1],
    })
  })

  it('refuse another number of vectors than of tensors', () => {
    expect(() => vjp([x, x], [x], [x])).toThrow('vjp: 1 cotangents for 2 outputs')
    expect(() => jvp([x], [x], [])).toThrow('jvp: 0 tangents for 1 primals')
  })
})

describe('grad', () => {
  const x = input('x', [3])
  const values = { x: Float64Array.of(1, 2, 3) }

  it('gives derivatives of any order', () => {
    // The fourth derivative of sin is sin; (x⁴)''' = 24x.
    let [reverse, forward] = [x.sin(), x.pow(4)]
    for (let order = 0; order < 4; order++) reverse = grad(reverse.sum(), [x])[0]!
    for (let order = 0; order < 3; order++) forward = jvp([forward], [x], [constant(1)])[0]!
    const got = compute({ x }, values, { reverse: [reverse], forward: [forward] })
    expectClose(got.reverse, [1, 2, 3].map(Math.sin), 1e-12)
    expectClose(got.forward, [24, 48, 72], 1e-12)
  })

  it('gives derivatives with respect to tensors on the way, and to what lies before them', () => {
    const h = x.square()
    const [dx, dh] = grad(h.square().sum(), [x, h])
    // Forwards, a tensor on the way moves as it is told to, whatever lies before it.
    const moved = jvp([h.mul(x)], [h], [constant(1)])
    const still = jvp([h.mul(x)], [x, h], [constant(1), constant(0)])
    expect(compute({ x }, values, { dx: [dx!], dh: [dh!], moved, still })).toEqual({
      dx: [4, 32, 108],
      dh: [2, 8, 18],
      moved: [1, 2, 3],
      still: [1, 4, 9],
    })
  })

  it('gives zeros, of the right shape, for a tensor that the loss does not depend on', () => {
    const unused = input('unused', [2, 2])
    const [ones, zeros] = grad(x.add(unused.stopGradient().sum()).sum(), [x, unused])
    expect(zeros!.shape).toEqual([2, 2])
    const got = compute(
      { x, unused },
      { ...values, unused: Float64Array.of(1, 2, 3, 4) },
      {
        ones: [ones!],
        zeros: [zeros!],
        pushed: jvp([x], [unused], [constant(1)]),
      },
    )
    expect(got).toEqual({ ones: [1, 1, 1], zeros: [0, 0, 0, 0], pushed: [0, 0, 0] })
  })

  it('asks for a scalar, of whatever rank', () => {
    expect(() => grad(x, [x])).toThrow(new RangeError('grad: the loss must be a scalar, not [3]'))
    const gradient = grad(x.square().sum().reshape([1, 1, 1]), [x])
    expect(compute({ x }, values, { gradient }).gradient).toEqual([2, 4, 6])
  })

  it('leaves out what no derivative was asked of', () => {
    const [a, b] = [input('a', [3, 3]), input('b', [3, 3])]
    const loss = x.reshape([1, 3]).matmul(a).tanh().matmul(b).sum()
    const products = (wrt: Tensor[]) => countNodes(listProgram({}, { g: grad(loss, wrt) })).matmul
    // One product to compute tanh, then: for b its gradient; for a the cotangent of tanh and its gradient.
    expect([products([b]), products([a]), products([a, b])]).toEqual([1 + 1, 1 + 2, 1 + 3])
  })
})

describe('stopGradient', () => {
  it('makes a network and its tangent a target that stands still, as continuous-time consistency needs', () => {
    const { inputs, values, direction, x, v, features: F } = setUp(transformer(1, 3, 4), 3)
    const [state, ...weights] = x
    const [tangent] = jvp([F], [state!], [v[0]!])
    const target = F.add(tangent!)
    const loss = F.sub(target.stopGradient()).sumSquares()
    const gradient = grad(loss, weights)

    const got = compute(inputs, values, { tangent: [tangent!], target: [target], gradient, v: v.slice(1) })
    const { x: stateDirection, ...weightDirections } = direction
    expectClose(got.tangent, slopesOf(inputs, values, { F: [F] }, { x: stateDirection! }).F, 1e-9)

    const fixed = input('fixed', F.shape)
    const distance = F.sub(fixed).sumSquares()
    const slopes = slopesOf(
      { ...inputs, fixed },
      { ...values, fixed: Float64Array.from(got.target) },
      { distance: [distance] },
      weightDirections,
    )
    expectClose([dot(got.gradient, got.v)], slopes.distance, 1e-8)
    // Without it, F cancels and the slope is another one.
    const moving = slopesOf(inputs, values, { loss: [loss] }, weightDirections).loss
    expect(Math.abs(moving[0]! - slopes.distance[0]!)).toBeGreaterThan(0.1 * Math.abs(slopes.distance[0]!))
  })

  it('stops tangents as it stops cotangents', () => {
    const x = input('x', [2])
    const y = x.mul(x.stopGradient())
    const lists = { pulled: grad(y.sum(), [x]), pushed: jvp([y], [x], [constant(1)]) }
    expect(compute({ x }, { x: Float64Array.of(3, 5) }, lists)).toEqual({ pulled: [3, 5], pushed: [3, 5] })
  })
})

describe('checkpoint', () => {
  it('changes no value and no derivative, however its blocks are nested', () => {
    fc.assert(
      fc.property(someNetwork, fc.nat(), ({ plain, checkpointed }, seed) => {
        const [expected, got] = [plain, checkpointed].map((network) => {
          const { inputs, values, x, v, features, loss } = setUp(network, seed)
          const gradient = grad(loss, x)
          const lists = { features: [features], pushed: jvp([features], x, v), gradient }
          const again = grad(inner(gradient, v), x)
          return { ...compute(inputs, values, lists), again: compute(inputs, values, { again }).again }
        })
        const { again, ...first } = got!
        const { again: expectedAgain, ...expectedFirst } = expected!
        expect(first).toEqual(expectedFirst)
        // Second derivatives are added up in another order.
        expectClose(again, expectedAgain, 1e-12)
      }),
      { numRuns: 40 },
    )
  })

  const x = input('x', [2])
  /** exp(sin(exp(sin(…)))), three times. Its derivative needs cos of what goes into sin, and what comes out of exp. */
  const waves = (y: Tensor) => y.sin().exp().sin().exp().sin().exp()
  const nodes = (y: Tensor) => countNodes(listProgram({ x }, { y: [y], gradient: grad(y.sum(), [x]) }))

  it('computes its block twice, and nothing else', () => {
    expect(nodes(waves(waves(x)))).toMatchObject({ sin: 6, exp: 6, cos: 6 })
    const first = checkpoint(() => waves(x))
    expect(nodes(waves(first))).toMatchObject({ sin: 6 + 3, exp: 6 + 3, cos: 6 })
    expect(nodes(checkpoint(() => waves(first)))).toMatchObject({ sin: 6 + 6, exp: 6 + 6, cos: 6 })
    const nested = checkpoint(() => waves(checkpoint(() => waves(x)).sin()))
    expect(nodes(nested)).toMatchObject({ sin: 7 + 7, exp: 6 + 6, cos: 7 })
  })

  it('costs nothing where no derivative is asked for', () => {
    const y = checkpoint(() => waves(x))
    expect(countNodes(listProgram({ x }, { y: [y] }))).toEqual({ sin: 3, exp: 3 })
    expect(countNodes(listProgram({ x }, { none: grad(y.stopGradient().sum(), [x]) }))).not.toHaveProperty(
      'sin',
    )
  })

  it('computes again from what lies before the block, once the cotangent is there', () => {
    const before = x.sin()
    const middle = checkpoint(() => before.exp().sin().exp())
    const [gradient] = grad(middle.cos().sum(), [x])
    expect(countNodes(listProgram({ x }, { gradient: [gradient!] }))).toMatchObject({
      barrier: 1,
      sin: 1 + 1 + 2,
      exp: 2 + 2,
    })
    const barrier = nodesOf([gradient!]).find(({ op }) => op.name === 'barrier')!
    const [held, awaited] = barrier.inputs
    expect(held).toBe(before)
    expect(nodesOf([awaited!])).toContain(middle.node)
    // Weights are not held back, but of a block that sees only inputs of the program, something is.
    const w = input('w', [2, 2])
    const first = checkpoint(() => x.reshape([1, 2]).matmul(w).tanh().sum())
    expect(countNodes(listProgram({ x, w }, { gradient: grad(first.square(), [w]) })).barrier).toBe(1)
  })

  it('does not hold back views of the inputs of a program, whichever op makes them', () => {
    const held = (view: boolean): boolean => {
      const mirror: Op<undefined> = {
        name: 'mirror',
        view,
        infer: ([w]) => [{ shape: w!.shape, dtype: w!.dtype }],
        emit: (e, [w]) => [e.node('Identity', [w!])],
        vjp: (_, [g]) => [g],
      }
      const w = input('w', [2])
      const seen = apply(mirror, [w], undefined)[0]!
      const y = checkpoint(() => x.sin().mul(seen).exp().sum())
      return nodesOf(grad(y, [x])).some(({ op, inputs }) => op.name === 'barrier' && inputs[0] === seen)
    }
    expect([held(false), held(true)]).toEqual([true, false])
  })

  it('ends with its block, also if that throws', () => {
    const fails = () => {
      throw new Error('no')
    }
    expect(() => checkpoint(fails)).toThrow('no')
    expect(() => checkpoint(async () => x)).toThrow('checkpoint: the block must not be asynchronous')
    expect(nodes(waves(x))).toMatchObject({ sin: 3, exp: 3 })
    const region = () => x.sin().node!.region
    const [outer, inside, again] = checkpoint(() => [region(), checkpoint(region), region()])
    expect(outer).toBeDefined()
    expect(inside).not.toBe(outer)
    expect(again).toBe(outer)
    expect(region()).toBeUndefined()
  })
})
