/** What is in the models that `toOnnx` writes. What onnxruntime makes of them is tested in the other package. */
import { fromBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { ModelProtoSchema, type TensorProto, TensorProto_DataType, type ValueInfoProto } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { constant, grad, input, type Program, referenceRuntime, toOnnx, trace } from './index.js'
import { someNetwork } from './testing-networks.js'

const parse = (program: Program, constants: Record<string, Float32Array> = {}) => {
  const model = fromBinary(ModelProtoSchema, toOnnx(program, constants))
  return { ...model, graph: model.graph! }
}
const describeValue = ({ name, type }: ValueInfoProto) => {
  const tensor = type!.value.case === 'tensorType' ? type!.value.value : undefined
  return [name, tensor!.elemType, tensor!.shape!.dim.map(({ value }) => value.value)]
}
const floats = ({ rawData }: TensorProto) => new Float32Array(rawData.slice().buffer)
const { FLOAT, INT64, BOOL } = TensorProto_DataType

const affine = trace({ x: [2, 3], weight: [3, 3], bias: [3] }, ({ x, weight, bias }) => {
  const y = x.matmul(weight).add(bias)
  return { y, loss: y.square().sum() }
})
const x = Float32Array.of(1, -2, 3, -4, 5, -6)
const weight = Float32Array.of(0.5, 0, 1, 0, -0.25, 1, 2, 0, 1)
const bias = Float32Array.of(1, 2, 3)

describe('toOnnx', () => {
  it('writes opset 18 with the inputs and outputs of the program, in order, typed and shaped', () => {
    const program = trace(
      { x: [2, 3], ids: { shape: [4], dtype: 'int64' }, mask: { shape: [], dtype: 'bool' } },
      ({ x, ids, mask }) => ({ rows: x.gather(ids), chosen: mask.where(x, 0), x_again: x }),
    )
    const { graph, irVersion, opsetImport } = parse(program)
    expect(irVersion).toBe(9n)
    expect(opsetImport.map(({ domain, version }) => [domain, version])).toEqual([['', 18n]])
    expect(graph.input.map(describeValue)).toEqual([
      ['x', FLOAT, [2n, 3n]],
      ['ids', INT64, [4n]],
      ['mask', BOOL, []],
    ])
    expect(graph.output.map(describeValue)).toEqual([
      ['rows', FLOAT, [4n, 3n]],
      ['chosen', FLOAT, [2n, 3n]],
      ['x_again', FLOAT, [2n, 3n]],
    ])
  })

  it('defines every name once and before it is used, whatever the inputs are called', () => {
    fc.assert(
      fc.property(someNetwork, fc.nat(50), ({ checkpointed: { shapes, apply } }, n) => {
        const renamed = (name: string) => (name === 'x' ? `_${n}` : name)
        const inputs = Object.fromEntries(
          Object.entries(shapes).map(([name, shape]) => [name, input(renamed(name), shape)]),
        )
        const { features, loss } = apply(inputs)
        const program: Program = {
          inputs: Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [renamed(name), tensor])),
          outputs: { features, [`_${n + 1}`]: grad(loss, [inputs.x!])[0]! },
        }
        const { graph } = parse(program)
        const known = [...graph.input, ...graph.initializer].map(({ name }) => name)
        for (const node of graph.node) {
          for (const name of node.input) expect(known).toContain(name)
          known.push(...node.output)
        }
        expect(new Set(known).size).toBe(known.length)
        for (const { name } of graph.output) expect(known).toContain(name)
      }),
      { numRuns: 40 },
    )
  })

  it('writes a number that is used often once', () => {
    const { graph } = parse(trace({ x: [2] }, ({ x }) => ({ y: x.mul(0.25).add(0.25).maximum(0.25).sub(3) })))
    expect(graph.initializer.map(floats)).toEqual([Float32Array.of(0.25), Float32Array.of(3)])
  })

  it('bakes constants in: they are no longer inputs', () => {
    // A view into a larger array, as the pieces of a flat vector of parameters are.
    const flat = Float32Array.of(9, ...weight, 9)
    const { graph } = parse(affine, { weight: flat.subarray(1, 10), bias })
    expect(graph.input.map(({ name }) => name)).toEqual(['x'])
    const baked = graph.initializer.filter(({ name }) => name in affine.inputs)
    expect(baked.map(({ name, dims, dataType }) => [name, dataType, dims])).toEqual([
      ['weight', FLOAT, [3n, 3n]],
      ['bias', FLOAT, [3n]],
    ])
    expect(baked.map(floats)).toEqual([weight, bias])
  })

  it('refuses constants that do not fit', () => {
    const typed = trace({ ids: { shape: [2], dtype: 'int64' } }, ({ ids }) => ({ y: ids.toFloat() }))
    expect(() => toOnnx(affine, { bias: x })).toThrow(new RangeError('bias: 6 values, 3 expected'))
    expect(() => toOnnx(affine, { biases: bias })).toThrow(new RangeError('the program has no input biases'))
    expect(() => toOnnx(typed, { ids: bias })).toThrow('ids: a constant must be float32, not int64')
  })

  it('refuses a name for both an input and an output', () => {
    const program = trace({ x: [2], y: [2] }, ({ x, y }) => ({ y: x.add(y) }))
    expect(() => toOnnx(program)).toThrow(new RangeError('y names both an input and an output'))
  })

  it('refuses inputs of other programs, even of a name that it has too', () => {
    const program = (other: string) => trace({ x: [2] }, ({ x }) => ({ y: x.add(input(other, [2])) }))
    for (const name of ['x', 'z'])
      expect(() => toOnnx(program(name))).toThrow(
        new RangeError(`the program uses an input ${name} that is not among its inputs`),
      )
  })
})

describe('trace and constant', () => {
  it('say what does not fit while the program is written', () => {
    expect(() => trace({ x: [2, 3] }, ({ x }) => ({ y: x.matmul(x) }))).toThrow(
      new RangeError('matmul: shapes [2, 3] and [2, 3] do not fit'),
    )
    expect(() => trace({ x: [2, 3], y: [4] }, ({ x, y }) => ({ y: x.add(y) }))).toThrow(
      new RangeError('add: shapes [2, 3] and [4] do not fit'),
    )
    expect(() => constant([1, 2, 3], [2])).toThrow(new RangeError('constant: 3 values do not fill [2]'))
  })
})

describe('referenceRuntime', () => {
  it('gives the same with baked constants as with inputs, into the array it is given', async () => {
    const free = await (await referenceRuntime.compile(affine)).run({ x, weight, bias })
    const y = new Float32Array(6)
    const baked = await (await referenceRuntime.compile(affine, { constants: { weight, bias } })).run(
      { x },
      { y },
    )
    expect(baked).toEqual(free)
    expect(baked.y).toBe(y)
    // By hand: the first row is (1, −2, 3)·weight + bias.
    expect([...y.subarray(0, 3)]).toEqual([0.5 + 6 + 1, 0.5 + 2, 1 - 2 + 3 + 3])
    expect(baked.loss![0]).toBe(y.reduce((sum, value) => sum + value * value, 0))
  })

  it('names an input that is missing or has the wrong size', async () => {
    const executable = await referenceRuntime.compile(affine)
    await expect(executable.run({ x, weight })).rejects.toThrow('input bias: no values given, [3] expected')
    await expect(executable.run({ x, weight, bias: x })).rejects.toThrow(
      'input bias: 6 values given, [3] expected',
    )
  })
})
