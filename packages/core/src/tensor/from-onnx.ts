/**
 * ONNX models as differentiable functions: an embedding network that was trained elsewhere becomes part of a loss.
 * Covers what convolutional feature networks are made of, with one input and one output in float32.
 */
import { fromBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema, type NodeProto, type TensorProto, TensorProto_DataType } from 'onnx-buf'
import { dims } from './ops/op.js'
import { constant, joined } from './tensor.js'
import type { Shape, Tensor } from './types.js'

/** A model that was read: what it wants, and how it is applied. */
export interface OnnxFunction {
  /** Shape of the input; 0 where it is free. */
  readonly input: Shape
  /** @throws RangeError if x has another shape than the model can take. */
  apply(x: Tensor): Tensor
}

/**
 * Reads an ONNX model.
 *
 * @throws RangeError that names what cannot be read: no ONNX, several inputs, weights outside the file, unknown ops.
 */
export const fromOnnx = (bytes: Uint8Array): OnnxFunction => {
  const { graph } = readModel(bytes)
  if (!graph) throw new RangeError('the file holds no graph')
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, constantOf(tensor)]))
  const inputs = graph.input.filter(({ name }) => !constants.has(name))
  const [input, output] = [inputs[0], graph.output[0]]
  if (inputs.length !== 1 || !input || !output)
    throw new RangeError(`the model has ${inputs.length} inputs; one is needed`)
  const unknown = [...new Set(graph.node.map(({ opType }) => opType).filter((op) => !Object.hasOwn(OPS, op)))]
  if (unknown.length > 0)
    throw new RangeError(
      `the model uses ${unknown.join(', ')}; known are ${Object.keys(OPS).sort().join(', ')}`,
    )
  const dims = input.type?.value.case === 'tensorType' ? (input.type.value.value.shape?.dim ?? []) : []
  const shape = dims.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : 0))
  return {
    input: shape,
    apply(x) {
      if (x.shape.length !== shape.length || shape.some((n, i) => i > 0 && n > 0 && n !== x.shape[i]))
        throw new RangeError(`the model takes [${shape.join(', ')}], not [${x.shape.join(', ')}]`)
      const values = new Map<string, Value>([...constants, [input.name, x]])
      for (const node of graph.node) {
        const read = (i: number): Value | undefined => (node.input[i] ? values.get(node.input[i]) : undefined)
        values.set(
          node.output[0]!,
          OPS[node.opType]!(read, attributesOf(node), { from: shape[0]!, to: x.shape[0]! }),
        )
      }
      return asTensor(values.get(output.name))
    },
  }
}

const readModel = (bytes: Uint8Array) => {
  try {
    return fromBinary(ModelProtoSchema, bytes)
  } catch (cause) {
    throw new RangeError('the file is not an ONNX model', { cause })
  }
}

/** What flows along an edge: numbers that are computed, or known integers (shapes, axes). */
type Value = Tensor | number[]

const asTensor = (value: Value | undefined): Tensor => {
  if (value === undefined) throw new RangeError('a node has an input that nothing makes')
  return Array.isArray(value) ? constant(value, [value.length]) : value
}
const integers = (value: Value | undefined, what: string): number[] => {
  if (!Array.isArray(value)) throw new RangeError(`${what} must be known integers, not computed`)
  return value
}

const constantOf = (tensor: TensorProto): Value => {
  const { dims, dataType, rawData, floatData, int64Data, externalData, name } = tensor
  if (externalData.length > 0) throw new RangeError(`the weight ${name} lies outside the file`)
  const raw = rawData.slice().buffer
  if (dataType === TensorProto_DataType.INT64)
    return Array.from(rawData.length > 0 ? new BigInt64Array(raw) : int64Data, Number)
  if (dataType !== TensorProto_DataType.FLOAT) throw new RangeError(`the weight ${name} is not float32`)
  return constant(rawData.length > 0 ? new Float32Array(raw) : Float32Array.from(floatData), dims.map(Number))
}

/** The attributes of a node, with defaults. */
interface Attributes {
  int(name: string, otherwise: number): number
  ints(name: string, otherwise: number[]): number[]
  float(name: string, otherwise: number): number
  text(name: string): string
  tensor(name: string): Value
}

const attributesOf = ({ attribute, opType }: NodeProto): Attributes => {
  const find = (name: string) => attribute.find((one) => one.name === name)
  return {
    int: (name, otherwise) => (find(name) ? Number(find(name)!.i) : otherwise),
    ints: (name, otherwise) => (find(name) ? find(name)!.ints.map(Number) : otherwise),
    float: (name, otherwise) => find(name)?.f ?? otherwise,
    text: (name) => new TextDecoder().decode(find(name)?.s ?? new Uint8Array()),
    tensor: (name) => {
      const tensor = find(name)?.t
      if (!tensor) throw new RangeError(`${opType} without ${name}`)
      return constantOf(tensor)
    },
  }
}

type Read = (i: number) => Value | undefined
/** The batch size that was written into the model's shapes (0: free), and the one that it is applied to. */
interface BatchSize {
  readonly from: number
  readonly to: number
}
type Build = (read: Read, attributes: Attributes, batch: BatchSize) => Value

const unary =
  (f: (x: Tensor, attributes: Attributes) => Tensor): Build =>
  (read, attributes) =>
    f(asTensor(read(0)), attributes)
const binary =
  (f: (a: Tensor, b: Tensor) => Tensor): Build =>
  (read) =>
    f(asTensor(read(0)), asTensor(read(1)))

const perChannel = (x: Tensor): Tensor => x.reshape([1, x.size, 1, 1])

/** Top, left, bottom, right; `auto_pad` by the shape of the input. */
const padsOf = (attributes: Attributes, size: Shape, kernel: Shape, strides: Shape): number[] => {
  const auto = attributes.text('auto_pad')
  if (!auto.startsWith('SAME')) return attributes.ints('pads', [0, 0, 0, 0])
  const total = [0, 1].map((i) =>
    Math.max(0, (Math.ceil(size[i]! / strides[i]!) - 1) * strides[i]! + kernel[i]! - size[i]!),
  )
  const small = total.map((n) => Math.floor(n / 2))
  const large = total.map((n, i) => n - small[i]!)
  return auto === 'SAME_UPPER' ? [...small, ...large] : [...large, ...small]
}

const conv: Build = (read, attributes) => {
  const [x, w] = [asTensor(read(0)), asTensor(read(1))]
  if (attributes.ints('dilations', [1, 1]).some((n) => n !== 1))
    throw new RangeError('dilated convolutions are not supported')
  const [, , ...kernel] = dims(w, 4, 'Conv')
  const strides = attributes.ints('strides', [1, 1])
  const pads = padsOf(attributes, x.shape.slice(2), kernel, strides)
  const y = x.conv2d(w, {
    kernel,
    strides: strides as [number, number],
    pads: pads as [number, number, number, number],
    groups: attributes.int('group', 1),
  })
  return read(2) ? y.add(perChannel(asTensor(read(2)))) : y
}

/** The pixels under each place of a window, as one tensor per place. */
const places = (read: Read, attributes: Attributes, fill: number): Tensor[] => {
  const x = asTensor(read(0))
  const [n, c, h, w] = dims(x, 4, 'pooling')
  const kernel = attributes.ints('kernel_shape', [1, 1])
  const strides = attributes.ints('strides', [1, 1])
  if (attributes.int('ceil_mode', 0) !== 0) throw new RangeError('pooling with ceil_mode is not supported')
  if (attributes.ints('dilations', [1, 1]).some((n) => n !== 1))
    throw new RangeError('dilated pooling is not supported')
  const [top, left, bottom, right] = padsOf(attributes, [h, w], kernel, strides) as [
    number,
    number,
    number,
    number,
  ]
  const [height, width] = [h + top + bottom, w + left + right]
  const border = Float32Array.from({ length: height * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width) - top, (i % width) - left]
    return row >= 0 && row < h && column >= 0 && column < w ? 0 : fill
  })
  const zeros = x.pad([0, 0, top, left], [0, 0, bottom, right])
  const padded = border.some((value) => value !== 0)
    ? zeros.add(constant(border, [1, 1, height, width]))
    : zeros
  const size = [height, width].map((length, i) => Math.floor((length - kernel[i]!) / strides[i]!) + 1)
  return Array.from({ length: kernel[0]! * kernel[1]! }, (_, k) => {
    const [dy, dx] = [Math.floor(k / kernel[1]!), k % kernel[1]!]
    return padded.slice(
      [0, 0, dy, dx],
      [n, c, dy + (size[0]! - 1) * strides[0]! + 1, dx + (size[1]! - 1) * strides[1]! + 1],
      [1, 1, strides[0]!, strides[1]!],
    )
  })
}

const averagePool: Build = (read, attributes) => {
  const size = asTensor(read(0)).shape.slice(2)
  const [kernel, strides] = [attributes.ints('kernel_shape', [1, 1]), attributes.ints('strides', [1, 1])]
  const padded = padsOf(attributes, size, kernel, strides).some((n) => n !== 0)
  if (padded && attributes.int('count_include_pad', 0) === 0)
    throw new RangeError('average pooling that leaves its padding out is not supported')
  const all = places(read, attributes, 0)
  return all.reduce((sum, one) => sum.add(one)).mul(1 / all.length)
}

/** Replaces the model's own batch size in a shape by that of x. */
const reshape: Build = (read, _, { from, to }) => {
  const x = asTensor(read(0))
  const asked = integers(read(1), 'the shape of Reshape')
  const shape = asked.map((n, i) => (n === 0 ? x.shape[i]! : n))
  if (from > 0 && shape[0] === from) shape[0] = to
  return x.reshape(shape)
}

const axesOf = (read: Read, attributes: Attributes): number[] | undefined => {
  const given = read(1) ? integers(read(1), 'axes') : attributes.ints('axes', [])
  return given.length > 0 ? given : undefined
}

const OPS: Readonly<Record<string, Build>> = {
  Add: binary((a, b) => a.add(b)),
  AveragePool: averagePool,
  BatchNormalization: (read, attributes) => {
    const [x, scale, bias, mean, variance] = [0, 1, 2, 3, 4].map((i) => asTensor(read(i))) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ]
    const factor = scale.mul(variance.add(attributes.float('epsilon', 1e-5)).pow(-0.5))
    return x.sub(perChannel(mean)).mul(perChannel(factor)).add(perChannel(bias))
  },
  Clip: (read, attributes) => {
    const limit = (i: number, name: string, otherwise: number) =>
      read(i) ? asTensor(read(i)) : constant(attributes.float(name, otherwise))
    return asTensor(read(0))
      .maximum(limit(1, 'min', -3e38))
      .minimum(limit(2, 'max', 3e38))
  },
  Concat: (read, attributes) => {
    const parts: Tensor[] = []
    for (let i = 0; read(i); i++) parts.push(asTensor(read(i)))
    return joined(parts, attributes.int('axis', 0))
  },
  Constant: (_, attributes) => attributes.tensor('value'),
  Conv: conv,
  Div: binary((a, b) => a.div(b)),
  Dropout: unary((x) => x),
  Exp: unary((x) => x.exp()),
  Flatten: unary((x, attributes) => {
    const axis = attributes.int('axis', 1)
    const rows = x.shape.slice(0, axis).reduce((a, b) => a * b, 1)
    return x.reshape([rows, x.size / rows])
  }),
  Gemm: (read, attributes) => {
    const [a, b] = [asTensor(read(0)), asTensor(read(1))]
    const y = (attributes.int('transA', 0) ? a.swapLast() : a)
      .matmul(attributes.int('transB', 0) ? b.swapLast() : b)
      .mul(attributes.float('alpha', 1))
    return read(2) ? y.add(asTensor(read(2)).mul(attributes.float('beta', 1))) : y
  },
  GlobalAveragePool: unary((x) => x.mean([2, 3], true)),
  Identity: (read) => read(0)!,
  LeakyRelu: unary((x, attributes) => x.maximum(x.mul(attributes.float('alpha', 0.01)))),
  MatMul: binary((a, b) => a.matmul(b)),
  MaxPool: (read, attributes) => places(read, attributes, -1e30).reduce((most, one) => most.maximum(one)),
  Mul: binary((a, b) => a.mul(b)),
  ReduceMean: (read, attributes) =>
    asTensor(read(0)).mean(axesOf(read, attributes), attributes.int('keepdims', 1) !== 0),
  ReduceSum: (read, attributes) =>
    asTensor(read(0)).sum(axesOf(read, attributes), attributes.int('keepdims', 1) !== 0),
  Relu: unary((x) => x.relu()),
  Reshape: reshape,
  Sigmoid: unary((x) => x.sigmoid()),
  Sqrt: unary((x) => x.sqrt()),
  Squeeze: (read, attributes) => {
    const x = asTensor(read(0))
    const axes = axesOf(read, attributes)?.map((n) => (n < 0 ? n + x.shape.length : n))
    return x.reshape(x.shape.filter((n, i) => (axes ? !axes.includes(i) : n !== 1)))
  },
  Sub: binary((a, b) => a.sub(b)),
  Tanh: unary((x) => x.tanh()),
  Transpose: unary((x, attributes) => x.transpose(attributes.ints('perm', [...x.shape.keys()].reverse()))),
}
