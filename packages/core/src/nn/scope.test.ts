import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { grad, input, interpret, type Shape, trace } from '../tensor/index.js'
import { describeParameters, flatScope, type Init, Layout, namedScope, type Scope } from './index.js'

/** A small network that asks for one weight twice. */
const twoLayers = (scope: Scope) => {
  const shared = () => scope.at('blocks').at(1).parameter('weight', [2, 3], { std: 0.5 })
  return [
    scope.parameter('bias', [], 'ones'),
    shared(),
    scope.at('out').parameter('scale', [3], 'zeros'),
    shared(),
  ]
}
const layout = describeParameters(twoLayers)

const someInit = fc.constantFrom<Init>('zeros', 'ones', { std: 0.5 })
const someParameters = fc.uniqueArray(
  fc.tuple(fc.string({ minLength: 1 }), fc.array(fc.nat(3), { maxLength: 3 }), someInit),
  { selector: ([name]) => name, maxLength: 8 },
)
const layoutOf = (parameters: readonly (readonly [string, Shape, Init])[]) =>
  describeParameters((scope) => {
    for (const [name, shape, init] of parameters) scope.parameter(name, shape, init)
  })

describe('describeParameters', () => {
  it('lists names, shapes and places in the order in which they are asked for', () => {
    expect(layout.specs).toEqual([
      { name: 'bias', shape: [], init: 'ones', offset: 0, size: 1 },
      { name: 'blocks.1.weight', shape: [2, 3], init: { std: 0.5 }, offset: 1, size: 6 },
      { name: 'out.scale', shape: [3], init: 'zeros', offset: 7, size: 3 },
    ])
    expect(layout.size).toBe(10)
  })

  it('lays parameters one after the other, without gaps', () => {
    fc.assert(
      fc.property(someParameters, (parameters) => {
        const { specs, size } = layoutOf(parameters)
        let end = 0
        for (const spec of specs) {
          expect(spec.offset).toBe(end)
          end += spec.size
        }
        expect(size).toBe(end)
        expect(specs.map(({ name }) => name)).toEqual(parameters.map(([name]) => name))
      }),
    )
  })

  it('refuses one name for two shapes', () => {
    const clash = (scope: Scope) => [
      scope.parameter('w', [2, 3], 'ones'),
      scope.parameter('w', [3, 2], 'ones'),
    ]
    expect(() => describeParameters(clash)).toThrow(new RangeError('parameter w is both [2, 3] and [3, 2]'))
  })
})

describe('Layout', () => {
  it('initializes: zeros, ones, and normal numbers of the given deviation', () => {
    const wide = layoutOf([
      ['a', [3], 'ones'],
      ['b', [100, 100], { std: 0.5 }],
      ['c', [2], 'zeros'],
    ])
    const { a, b, c } = wide.unflatten(wide.initialize(1))
    expect([...a!, ...c!]).toEqual([1, 1, 1, 0, 0])
    const mean = b!.reduce((sum, value) => sum + value, 0) / b!.length
    const square = b!.reduce((sum, value) => sum + value ** 2, 0) / b!.length
    expect(Math.abs(mean)).toBeLessThan(5 * (0.5 / 100))
    expect(Math.abs(square / 0.25 - 1)).toBeLessThan(5 * (Math.SQRT2 / 100))
  })

  it('initializes by the seed, each parameter in its own way', () => {
    const square: [Shape, Init] = [[4, 4], { std: 1 }]
    const two = layoutOf([
      ['a', ...square],
      ['b', ...square],
    ])
    const { a, b } = two.unflatten(two.initialize(1))
    expect(a).not.toEqual(b)
    expect(two.initialize(1)).toEqual(two.initialize(1))
    expect(two.initialize(2)).not.toEqual(two.initialize(1))
    // The shapes of other parameters make no difference.
    const other = layoutOf([
      ['a', [1], { std: 1 }],
      ['b', ...square],
    ])
    expect(other.unflatten(other.initialize(1)).b).toEqual(b)
  })

  it('names the pieces of a flat vector without copying them', () => {
    const flat = Float32Array.from({ length: 10 }, (_, i) => i)
    const pieces = layout.unflatten(flat)
    expect(pieces).toEqual({
      bias: Float32Array.of(0),
      'blocks.1.weight': Float32Array.of(1, 2, 3, 4, 5, 6),
      'out.scale': Float32Array.of(7, 8, 9),
    })
    pieces['out.scale']![1] = -1
    expect(flat[8]).toBe(-1)
  })
})

describe('flatScope and namedScope', () => {
  const network = (scope: Scope) => {
    const [bias, weight, scale] = twoLayers(scope)
    return weight!.mul(scale!).add(bias!).square().sum()
  }

  it('answer with the same parameters', () => {
    const flat = Float32Array.from({ length: 10 }, (_, i) => 1 + i / 8)
    const one = trace({ flat: [10] }, ({ flat }) => ({ y: network(flatScope(layout, flat)) }))
    const specs = Object.fromEntries(layout.specs.map(({ name, shape }) => [name, shape]))
    const other = trace(specs, (inputs) => ({ y: network(namedScope(inputs)) }))
    expect(interpret(one, { flat })).toEqual(interpret(other, layout.unflatten(flat)))
  })

  it('make the gradient of a flat vector flat', () => {
    const flat = input('flat', [10])
    const [gradient] = grad(network(flatScope(layout, flat)), [flat])
    const values = Float64Array.from({ length: 10 }, (_, i) => i)
    const g = interpret({ inputs: { flat }, outputs: { g: gradient! } }, { flat: values }).g!
    // y = Σ (w·s + b)² with b = 0, w = 1 … 6 in two rows, s = 7, 8, 9: ∂y/∂w = 2(w·s)s, and so on.
    expect([...g.subarray(1, 7)]).toEqual([1, 2, 3, 4, 5, 6].map((w, i) => 2 * w * [7, 8, 9][i % 3]! ** 2))
    expect([...g.subarray(7)]).toEqual([7, 8, 9].map((s, i) => 2 * s * ((1 + i) ** 2 + (4 + i) ** 2)))
    expect(g[0]).toBe(2 * (7 * (1 + 4) + 8 * (2 + 5) + 9 * (3 + 6)))
  })

  it('know no other parameters', () => {
    const unknown = new RangeError('the network has no parameter out.shift')
    for (const scope of [
      flatScope(layout, input('flat', [10])),
      namedScope({ 'out.scale': input('s', [3]) }),
    ])
      expect(() => scope.at('out').parameter('shift', [3], 'zeros')).toThrow(unknown)
  })

  it('refuse a flat vector of another size', () => {
    expect(() => flatScope(layout, input('flat', [11]))).toThrow(
      'split: sizes [1, 6, 3] do not fill axis 0 of [11]',
    )
    expect(() => flatScope(new Layout(layout.specs.slice(0, 1)), input('flat', [2]))).toThrow('split')
  })
})
