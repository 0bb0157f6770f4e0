/** ONNX models read back as functions agree with onnxruntime, and have the right gradient. */
import { Random } from '@onestroke/core/random'
import { fromOnnx, grad, interpret, toOnnx, trace } from '@onestroke/core/tensor'
import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { type Attribute, type Axes, modelOf, node, value, type Weight, weight } from './testing.js'

const random = new Random({ seed: 5, stream: 0, step: 0, index: 0 })
const draw = (...shape: number[]) => ({
  shape,
  values: random.fillNormal(new Float32Array(shape.reduce((a, b) => a * b, 1))),
})
type Step = readonly [op: string, inputs: readonly string[], attributes?: Readonly<Record<string, Attribute>>]

/** A model of some steps, of which the last is the output; step i makes the value `i`. */
const model = (
  input: Axes,
  steps: readonly Step[],
  weights: Readonly<Record<string, Weight>> = {},
): Uint8Array =>
  modelOf({
    input: [value('x', input)],
    output: [value(String(steps.length - 1))],
    initializer: Object.entries(weights).map(([name, values]) => weight(name, values)),
    node: steps.map(([op, inputs, attributes], i) => node(op, inputs, String(i), attributes)),
  })

const x = draw(2, 4, 8, 8)
const positive = (weight: ReturnType<typeof draw>) => ({ ...weight, values: weight.values.map(Math.abs) })

const MODELS: Readonly<Record<string, Uint8Array>> = {
  'a classifier': model(
    ['n', 4, 8, 8],
    [
      ['Conv', ['x', 'w', 'b'], { strides: [2, 2], auto_pad: 'SAME_UPPER', kernel_shape: [3, 3] }],
      ['BatchNormalization', ['0', 'scale', 'bias', 'mean', 'variance'], { epsilon: { float: 1e-3 } }],
      ['LeakyRelu', ['1'], { alpha: { float: 0.2 } }],
      ['Conv', ['2', 'deep'], { group: 6, pads: [1, 1, 1, 1], kernel_shape: [3, 3] }],
      ['Clip', ['3', 'zero', 'six']],
      ['GlobalAveragePool', ['4']],
      ['Flatten', ['5']],
      ['Gemm', ['6', 'last', 'end'], { transB: 1, alpha: { float: 0.5 } }],
    ],
    {
      w: draw(6, 4, 3, 3),
      b: draw(6),
      scale: draw(6),
      bias: draw(6),
      mean: draw(6),
      variance: positive(draw(6)),
      deep: draw(6, 1, 3, 3),
      last: draw(5, 6),
      end: draw(5),
      zero: { shape: [], values: Float32Array.of(0) },
      six: { shape: [], values: Float32Array.of(6) },
    },
  ),
  'all poolings': model(
    [2, 4, 8, 8],
    [
      ['MaxPool', ['x'], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
      ['AveragePool', ['x'], { kernel_shape: [2, 2], strides: [2, 2] }],
      ['Concat', ['0', '1'], { axis: 1 }],
      ['ReduceMean', ['2'], { axes: [2, 3], keepdims: 0 }],
    ],
  ),
  'arithmetic and shapes': model(
    [2, 4, 8, 8],
    [
      ['Sigmoid', ['x']],
      ['Mul', ['x', '0']],
      ['Tanh', ['1']],
      ['Sub', ['2', 'c']],
      ['Div', ['3', 'c']],
      ['Transpose', ['4'], { perm: [0, 2, 3, 1] }],
      ['Reshape', ['5', 'rows']],
      ['MatMul', ['6', 'm']],
      ['Exp', ['7']],
      ['Add', ['8', 'c1']],
      ['Sqrt', ['9']],
      ['ReduceMean', ['10'], { axes: [1], keepdims: 1 }],
      ['Squeeze', ['11', 'one']],
      ['Relu', ['12']],
      ['Dropout', ['13']],
      ['Identity', ['14']],
    ],
    {
      c: { shape: [1, 4, 1, 1], values: Float32Array.of(1, 2, -1, 0.5) },
      c1: { shape: [1], values: Float32Array.of(1) },
      rows: [2, 64, 4],
      m: draw(4, 3),
      one: [1],
    },
  ),
}

describe('an ONNX model as a function', () => {
  it.each(Object.entries(MODELS))('is what onnxruntime makes of it: %s', async (_, bytes) => {
    const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 })
    const [expected] = Object.values(await session.run({ x: new ort.Tensor('float32', x.values, x.shape) }))
    const { apply } = fromOnnx(bytes)
    const program = trace({ x: x.shape }, (inputs) => {
      const y = apply(inputs.x!)
      return { y, gradient: grad(y.square().sum(), [inputs.x!])[0]! }
    })
    const { y, gradient } = interpret(program, { x: x.values })
    expect(y).toHaveLength(expected!.data.length)
    for (const [i, value] of (expected!.data as Float32Array).entries())
      expect(Math.abs(y![i]! - value)).toBeLessThan(1e-5 * (1 + Math.abs(value)))
    // The gradient against a difference quotient, along a random direction.
    const direction = draw(...x.shape).values
    const lossAt = (h: number) =>
      interpret(program, {
        x: Float64Array.from(x.values, (value, i) => value + h * direction[i]!),
      }).y!.reduce((sum, value) => sum + value ** 2, 0)
    const slope = (lossAt(1e-6) - lossAt(-1e-6)) / 2e-6
    const along = gradient!.reduce((sum, g, i) => sum + g * direction[i]!, 0)
    expect(Math.abs(along - slope)).toBeLessThan(1e-4 * (1 + Math.abs(slope)))
  })

  it('reads what toOnnx writes, for batches of any size', () => {
    const program = trace({ x: [3, 4] }, ({ x }) => ({ y: x!.reshape([3, 2, 2]).mean([2]).tanh() }))
    const again = fromOnnx(toOnnx(program))
    expect(again.input).toEqual([3, 4])
    const five = trace({ x: [5, 4] }, ({ x }) => ({ y: again.apply(x!) }))
    expect(five.outputs.y!.shape).toEqual([5, 2])
  })

  it('says what it cannot read', () => {
    expect(() => fromOnnx(Uint8Array.of(255, 255, 255))).toThrow('not an ONNX model')
    expect(() =>
      fromOnnx(
        model(
          ['n', 1],
          [
            ['Loop', ['x']],
            ['Erf', ['0']],
          ],
        ),
      ),
    ).toThrow(/^the model uses Loop, Erf; known are Add, /)
    const pooled = (op: string, attributes: Readonly<Record<string, Attribute>>) => () =>
      trace({ x: [1, 4, 8, 8] }, ({ x }) => ({
        y: fromOnnx(model(['n', 4, 8, 8], [[op, ['x'], { kernel_shape: [2, 2], ...attributes }]])).apply(x!),
      }))
    expect(pooled('MaxPool', { ceil_mode: 1 })).toThrow('pooling with ceil_mode is not supported')
    expect(pooled('AveragePool', { dilations: [2, 2] })).toThrow('dilated pooling is not supported')
    const padded = { pads: [1, 1, 1, 1], strides: [2, 2] }
    expect(pooled('AveragePool', padded)).toThrow('average pooling that leaves its padding out')
    expect(pooled('AveragePool', { ...padded, count_include_pad: 1 })).not.toThrow()
    const { apply } = fromOnnx(MODELS['a classifier']!)
    expect(() => trace({ x: [1, 3, 8, 8] }, ({ x }) => ({ y: apply(x!) }))).toThrow(
      'the model takes [0, 4, 8, 8], not [1, 3, 8, 8]',
    )
  })
})
