/** Layers against their formulas, written with plain loops. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../random/index.js'
import { input, interpret, type Shape, type Tensor } from '../tensor/index.js'
import {
  attention,
  conv,
  depthToSpace,
  describeParameters,
  fourierFeatures,
  groupNorm,
  linear,
  namedScope,
  rmsNorm,
  type Scope,
  spaceToDepth,
  upsampleNearest,
} from './index.js'

/** An array with a shape, read by its indices. */
interface Values {
  readonly shape: Shape
  readonly data: ArrayLike<number>
  at(...index: number[]): number
}
const valuesOf = (shape: Shape, data: ArrayLike<number>): Values => ({
  shape,
  data,
  at: (...index) => data[index.reduce((position, n, axis) => position * shape[axis]! + n, 0)]!,
})
const sizeOf = (shape: Shape) => shape.reduce((product, n) => product * n, 1)
const randomValues = (shape: Shape, index: number): Values =>
  valuesOf(
    shape,
    new Random({ seed: 0, stream: 0, step: 0, index }).fillNormal(new Float32Array(sizeOf(shape))),
  )

/** Runs a layer with random parameters. */
const run = (layer: (scope: Scope, ...x: Tensor[]) => Tensor, ...x: Values[]) => {
  const tensors = x.map(({ shape }, i) => input(`x${i}`, shape))
  const { specs } = describeParameters((scope) => layer(scope, ...tensors))
  const parameters = Object.fromEntries(
    specs.map(({ name, shape }, i) => [name, randomValues(shape, 1000 + i)]),
  )
  const weights = Object.fromEntries(specs.map(({ name, shape }) => [name, input(name, shape)]))
  const y = layer(namedScope(weights), ...tensors)
  const inputs = { ...weights, ...Object.fromEntries(tensors.map((tensor, i) => [`x${i}`, tensor])) }
  const values = { ...parameters, ...Object.fromEntries(x.map((value, i) => [`x${i}`, value])) }
  const given = Object.fromEntries(Object.entries(values).map(([name, { data }]) => [name, data]))
  return { y: valuesOf(y.shape, interpret({ inputs, outputs: { y } }, given).y!), parameters }
}

/** Holds every element against a formula of its index. Constants of graphs are float32: hence the tolerance. */
const expectValues = (got: Values, shape: Shape, formula: (...index: number[]) => number) => {
  expect(got.shape).toEqual(shape)
  const errors: number[] = []
  const visit = (index: number[]) => {
    if (index.length < shape.length) for (let i = 0; i < shape[index.length]!; i++) visit([...index, i])
    else errors.push(Math.abs(got.at(...index) - formula(...index)))
  }
  visit([])
  expect(errors.length).toBe(sizeOf(shape))
  expect(Math.max(...errors)).toBeLessThanOrEqual(1e-6)
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i)
const sum = (terms: readonly number[]) => terms.reduce((a, b) => a + b, 0)
const mean = (terms: readonly number[]) => sum(terms) / terms.length
const size = fc.integer({ min: 1, max: 4 })
const seed = fc.nat(999)

describe('linear', () => {
  it('multiplies the last axis with the weight, and adds the bias if there is one', () => {
    fc.assert(
      fc.property(seed, size, size, size, fc.boolean(), (n, rows, from, to, bias) => {
        const x = randomValues([2, rows, from], n)
        const { y, parameters } = run((scope, x) => linear(scope, x!, to, { bias }), x)
        expect(Object.keys(parameters)).toEqual(bias ? ['weight', 'bias'] : ['weight'])
        const { weight, bias: b } = parameters
        expectValues(y, [2, rows, to], (i, j, o) =>
          sum([b?.at(o) ?? 0, ...range(from).map((k) => x.at(i, j, k) * weight!.at(k, o))]),
        )
      }),
      { numRuns: 20 },
    )
  })

  it('starts with outputs of the variance of its inputs', () => {
    const { specs } = describeParameters((scope) => linear(scope, input('x', [1, 64]), 3, { bias: true }))
    expect(specs.map(({ name, init }) => [name, init])).toEqual([
      ['weight', { std: 1 / 8 }],
      ['bias', 'zeros'],
    ])
  })
})

describe('rmsNorm', () => {
  it('divides rows by the root of their mean square', () => {
    fc.assert(
      fc.property(seed, size, size, (n, rows, width) => {
        const x = randomValues([rows, width], n)
        expectValues(run((_, x) => rmsNorm(x!, 0.25), x).y, x.shape, (i, j) => {
          const square = mean(range(width).map((k) => x.at(i, k) ** 2))
          return x.at(i, j) / Math.sqrt(square + 0.25)
        })
      }),
      { numRuns: 20 },
    )
  })

  it('survives zeros', () => {
    expectValues(run((_, x) => rmsNorm(x!), valuesOf([1, 3], [0, 0, 0])).y, [1, 3], () => 0)
  })
})

describe('groupNorm', () => {
  it('gives each group of channels of each picture mean 0 and variance 1', () => {
    fc.assert(
      fc.property(seed, size, size, size, (n, groups, perGroup, side) => {
        const x = randomValues([2, groups * perGroup, side, side + 1], n)
        expectValues(run((_, x) => groupNorm(x!, groups, 0.125), x).y, x.shape, (i, c, row, column) => {
          const first = Math.floor(c / perGroup) * perGroup
          const group = range(perGroup).flatMap((k) =>
            range(side).flatMap((a) => range(side + 1).map((b) => x.at(i, first + k, a, b))),
          )
          const centre = mean(group)
          const variance = mean(group.map((value) => (value - centre) ** 2))
          return (x.at(i, c, row, column) - centre) / Math.sqrt(variance + 0.125)
        })
      }),
      { numRuns: 15 },
    )
  })

  it('refuses groups that would share a channel', () => {
    expect(() => groupNorm(input('x', [1, 6, 2, 2]), 4)).toThrow(
      new RangeError('groupNorm: 6 channels cannot be divided into 4 groups'),
    )
  })
})

describe('conv', () => {
  it('keeps the size, or divides it by the stride', () => {
    const cases = fc.record({
      n: seed,
      kernel: size,
      stride: fc.constantFrom(1, 2),
      groups: fc.constantFrom(1, 2),
      half: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    })
    fc.assert(
      fc.property(cases, ({ n, kernel, stride, groups, half: [h, w] }) => {
        const [from, to] = [2 * groups, 3 * groups]
        const x = randomValues([1, from, 2 * h, 2 * w], n)
        const padded = (c: number, i: number, j: number) =>
          i >= 0 && i < 2 * h && j >= 0 && j < 2 * w ? x.at(0, c, i, j) : 0
        const { y, parameters } = run((scope, x) => conv(scope, x!, to, { kernel, stride, groups }), x)
        const { weight, bias } = parameters
        const before = Math.floor(kernel / 2)
        expectValues(y, [1, to, (2 * h) / stride, (2 * w) / stride], (_, o, i, j) => {
          const first = 2 * Math.floor(o / 3)
          const terms = range(2).flatMap((c) =>
            range(kernel).flatMap((a) =>
              range(kernel).map(
                (b) =>
                  padded(first + c, i * stride + a - before, j * stride + b - before) *
                  weight!.at(o, c, a, b),
              ),
            ),
          )
          return sum([bias!.at(o), ...terms])
        })
      }),
      { numRuns: 30 },
    )
  })
})

describe('attention', () => {
  it('mixes the values by the softmax of q·k/√width, head by head', () => {
    const cases = fc.tuple(seed, size, size, fc.constantFrom(1, 2, 3), size)
    fc.assert(
      fc.property(cases, ([n, queries, keys, heads, width]) => {
        const q = randomValues([2, queries, heads * width], n)
        const [k, v] = [n + 1, n + 2].map((i) => randomValues([2, keys, heads * width], i)) as [
          Values,
          Values,
        ]
        const { y } = run((_, q, k, v) => attention(q!, k!, v!, heads), q, k, v)
        expectValues(y, q.shape, (b, t, d) => {
          const first = Math.floor(d / width) * width
          const powers = range(keys).map((s) =>
            Math.exp(
              sum(range(width).map((i) => q.at(b, t, first + i) * k.at(b, s, first + i))) / Math.sqrt(width),
            ),
          )
          return sum(powers.map((power, s) => power * v.at(b, s, d))) / sum(powers)
        })
      }),
      { numRuns: 30 },
    )
  })
})

describe('upsampleNearest', () => {
  it('repeats each pixel in a square', () => {
    const x = randomValues([2, 3, 2, 4], 1)
    expectValues(run((_, x) => upsampleNearest(x!), x).y, [2, 3, 4, 8], (n, c, i, j) =>
      x.at(n, c, i >> 1, j >> 1),
    )
  })
})

describe('spaceToDepth and depthToSpace', () => {
  const cases = fc.tuple(seed, fc.constantFrom(1, 2, 3), size, size, size)

  it('move the pixels of a patch into channels', () => {
    fc.assert(
      fc.property(cases, ([n, p, c, h, w]) => {
        const x = randomValues([2, c, h * p, w * p], n)
        expectValues(run((_, x) => spaceToDepth(x!, p), x).y, [2, c * p * p, h, w], (b, channel, i, j) => {
          const [at, within] = [Math.floor(channel / (p * p)), channel % (p * p)]
          return x.at(b, at, i * p + Math.floor(within / p), j * p + (within % p))
        })
      }),
      { numRuns: 20 },
    )
  })

  it('are each other’s inverses', () => {
    fc.assert(
      fc.property(cases, ([n, p, c, h, w]) => {
        const [fine, coarse] = [randomValues([2, c, h * p, w * p], n), randomValues([2, c * p * p, h, w], n)]
        const back = run((_, x) => depthToSpace(spaceToDepth(x!, p), p), fine).y
        const forth = run((_, x) => spaceToDepth(depthToSpace(x!, p), p), coarse).y
        expectValues(back, fine.shape, fine.at)
        expectValues(forth, coarse.shape, coarse.at)
      }),
      { numRuns: 20 },
    )
  })
})

describe('fourierFeatures', () => {
  it('gives sines, then cosines, at frequencies from low to high', () => {
    const x = randomValues([3], 1)
    // 1/2, 1, 2, 4
    expectValues(run((_, x) => fourierFeatures(x!, 4, 0.5, 4), x).y, [3, 8], (i, k) =>
      k < 4 ? Math.sin(x.at(i) * 2 ** (k - 1)) : Math.cos(x.at(i) * 2 ** (k - 5)),
    )
  })
})
