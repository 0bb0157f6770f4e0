import { describe, expect, it } from 'vitest'
import { parseSafetensors, serializeSafetensors, toFloat32 } from '../formats/index.js'
import { grad, input, interpret, type Tensor, trace } from '../tensor/index.js'
import {
  conv,
  describeParameters,
  linear,
  lowRank,
  type Scope,
  type Trainable,
  wholeNetwork,
} from './index.js'

/** Two linear layers, the first of which is used twice; a convolution; and a gain that the base does not know. */
const network = (gain: boolean) => (scope: Scope, x: Tensor) => {
  const hidden = (y: Tensor) => linear(scope.at('blocks').at(0), y, 5, { bias: true }).silu()
  const rows = hidden(x).add(hidden(x.mul(2)))
  const y = linear(scope.at('out'), rows, 4)
  const image = conv(scope.at('conv'), y.reshape([1, 1, 2, 4]), 1).reshape([2, 4])
  return gain ? image.mul(scope.parameter('gain', [4], 'ones')) : image
}
const X = [2, 3]
const layoutOf = (gain: boolean) => describeParameters((scope) => network(gain)(scope, input('x', X)))
const base = { layout: layoutOf(false), weights: layoutOf(false).initialize(3) }
const options = { rank: 2, alpha: 6, targets: ['blocks.0', 'out'] }
const x = Float32Array.of(1, -2, 0.5, 0.25, 1.5, -1)

const adapted = lowRank(layoutOf(true), base, options, 'base.')
/** What the network makes of x, and the gradient of the sum of its squares with respect to all that is an input. */
const run = (trainable: Trainable, flat: Float32Array) => {
  const shapes = Object.entries(trainable.frozen).map(([name, { shape }]) => [name, shape] as const)
  const program = trace({ flat: [trainable.layout.size], x: X, ...Object.fromEntries(shapes) }, (inputs) => {
    const y = network(true)(trainable.scope(inputs.flat, inputs), inputs.x)
    return { y, gradient: grad(y.square().sum(), [inputs.flat])[0]! }
  })
  const values = Object.entries(trainable.frozen).map(([name, { values }]) => [name, values] as const)
  return interpret(program, { flat, x, ...Object.fromEntries(values) })
}
/** Adapters that do something. */
const moved = (): Float32Array =>
  Float32Array.from({ length: adapted.layout.size }, (_, i) => Math.sin(i + 1) / 2)

describe('lowRank', () => {
  it('trains two thin matrices a layer, called as PEFT calls them, and what the base does not have', () => {
    expect(adapted.layout.specs.map(({ name, shape }) => [name, ...shape])).toEqual([
      ['blocks.0.lora_A.weight', 2, 3],
      ['blocks.0.lora_B.weight', 5, 2],
      ['out.lora_A.weight', 2, 5],
      ['out.lora_B.weight', 4, 2],
      ['gain', 4],
    ])
    expect(Object.keys(adapted.frozen)).toEqual(base.layout.specs.map(({ name }) => `base.${name}`))
  })

  it('begins as its base, with A normal and B zero', () => {
    const start = adapted.layout.initialize(1)
    const { 'blocks.0.lora_A.weight': A, 'out.lora_B.weight': B } = adapted.layout.unflatten(start)
    expect(A!.every((value) => value !== 0 && Math.abs(value) < 3)).toBe(true)
    expect(B).toEqual(new Float32Array(8))
    const whole = wholeNetwork(layoutOf(true))
    const weights = whole.layout.initialize(3)
    whole.layout.adopt(weights, base.layout, base.weights)
    expect(run(adapted, start).y).toEqual(run(whole, weights).y)
    expect(adapted.weights(start)).toEqual(weights)
  })

  it('fused is what it is live, and adds alpha/rank·B·A', () => {
    const flat = moved()
    const fused = adapted.weights(flat)
    const live = run(adapted, flat).y!
    for (const [i, y] of run(wholeNetwork(layoutOf(true)), fused).y!.entries())
      expect(y).toBeCloseTo(live[i]!, 5)
    const { 'out.lora_A.weight': A, 'out.lora_B.weight': B } = adapted.layout.unflatten(flat)
    const [now, before] = [layoutOf(true).unflatten(fused), base.layout.unflatten(base.weights)]
    // The weight is [from, to] = [5, 4].
    const added = 3 * (B![2 * 3]! * A![2]! + B![2 * 3 + 1]! * A![5 + 2]!)
    expect(now['out.weight']![2 * 4 + 3]).toBeCloseTo(before['out.weight']![2 * 4 + 3]! + added, 6)
    for (const name of ['blocks.0.bias', 'conv.weight', 'conv.bias']) expect(now[name]).toEqual(before[name])
  })

  it('has a gradient in the adapters alone', () => {
    const flat = moved()
    const { gradient, y } = run(adapted, flat)
    expect(gradient).toHaveLength(adapted.layout.size)
    expect(gradient!.every((value) => value !== 0)).toBe(true)
    const loss = (values: Float64Array) => values.reduce((sum, value) => sum + value ** 2, 0)
    for (const i of [0, 7, 20, adapted.layout.size - 1]) {
      const [up, down] = [flat.slice(), flat.slice()]
      up[i]! += 2 ** -10
      down[i]! -= 2 ** -10
      const slope = (loss(run(adapted, up).y!) - loss(run(adapted, down).y!)) / (up[i]! - down[i]!)
      expect(slope / gradient![i]!).toBeCloseTo(1, 3)
    }
    expect(loss(y!)).toBeGreaterThan(0)
  })

  it('is kept in a safetensors file', () => {
    const flat = moved()
    const bytes = serializeSafetensors(
      adapted.layout.specs.map(({ name, shape, offset, size }) => ({
        name,
        dtype: 'F32' as const,
        shape,
        data: flat.subarray(offset, offset + size),
      })),
    )
    const back = new Float32Array(adapted.layout.size)
    const { tensors } = parseSafetensors(bytes)
    for (const [name, piece] of Object.entries(adapted.layout.unflatten(back)))
      piece.set(toFloat32(tensors.get(name)!))
    expect(back).toEqual(flat)
    expect(run(adapted, back).y).toEqual(run(adapted, flat).y)
  })

  it('refuses ranks, layers and bases that cannot be', () => {
    const make = (changes: Partial<typeof options>, other = base) =>
      lowRank(layoutOf(true), other, { ...options, ...changes }, '')
    for (const rank of [0, 1.5, Number.NaN])
      expect(() => make({ rank })).toThrow(`lora: the rank must be a positive integer, not ${rank}`)
    expect(() => make({ targets: ['out', 'attention'] })).toThrow('lora: the network has no layer attention')
    // The end of a name is no name.
    expect(() => make({ targets: ['ut'] })).toThrow('lora: the network has no layer ut')
    expect(() => make({ targets: ['conv'] })).toThrow(
      'lora: conv.weight [1, 1, 3, 3] is not the weight of a linear layer',
    )
    const layout = describeParameters((scope) => linear(scope.at('out'), input('x', [2, 7]), 4))
    expect(() => make({}, { layout, weights: layout.initialize(1) })).toThrow(
      'lora: out.weight is [7, 4] in the base and [5, 4] in the network',
    )
  })
})
