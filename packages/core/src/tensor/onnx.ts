/** Programs as ONNX models (opset 18, IR version 9: what onnxruntime 1.16 and later read). */
import { create, toBinary } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf'
import { nodesOf } from './autodiff.js'
import { type FreeBatch, fixedBatch, freeBatch } from './free-batch.js'
import { halfOf } from './half.js'
import type { Program } from './program.js'
import { isQuantized, type Quantized, quantize, type Storage } from './storage.js'
import type { DType, Emitter, OnnxAttributes, Shape, Tensor } from './types.js'

const OPSET = 18n
const ONNX_TYPE: Record<DType, TensorProto_DataType> = {
  float32: TensorProto_DataType.FLOAT,
  int64: TensorProto_DataType.INT64,
  bool: TensorProto_DataType.BOOL,
}

export interface OnnxOptions {
  /** The same function traced for another batch size: the model then takes batches of any. */
  readonly other?: Program
  /** How constants are stored: in fp16 all of them, in int8 those of two axes and more. Default `fp32`. */
  readonly storage?: Storage
}

/**
 * Writes a program as an ONNX model.
 *
 * @param constants values for some of the inputs, which thereby become part of the model (and are no longer inputs):
 *   onnxruntime pre-packs such weights, so sampling gives them here and training does not.
 * @throws RangeError if a constant has the wrong size or type or names no input, if an output has an input's name, if
 *   the program uses an input that is not among its own, or if it cannot take batches of any size (see `freeBatch`).
 */
export const toOnnx = (
  program: Program,
  constants: Readonly<Record<string, Float32Array>> = {},
  { other, storage = 'fp32' }: OnnxOptions = {},
): Uint8Array => {
  const free = other ? freeBatch(program, other) : fixedBatch
  const writer = new GraphWriter(new Set([...Object.keys(program.inputs), ...Object.keys(program.outputs)]))
  for (const [name, tensor] of Object.entries(program.inputs)) {
    writer.names.set(tensor, name)
    const values = constants[name]
    if (values === undefined) writer.inputs.push(valueInfo(name, tensor, free))
    else if (tensor.dtype !== 'float32')
      throw new RangeError(`${name}: a constant must be float32, not ${tensor.dtype}`)
    else if (values.length !== tensor.size)
      throw new RangeError(`${name}: ${values.length} values, ${tensor.size} expected`)
    else writer.names.set(tensor, writer.constant(name, tensor.shape, values, storage))
  }
  for (const name of Object.keys(constants))
    if (!(name in program.inputs)) throw new RangeError(`the program has no input ${name}`)
  const outputs = Object.entries(program.outputs)
  for (const [name] of outputs)
    if (name in program.inputs) throw new RangeError(`${name} names both an input and an output`)
  for (const node of nodesOf(outputs.map(([, tensor]) => tensor))) {
    const { op, inputs, outputs } = node
    const names = op.emit(
      writer,
      inputs.map((x) => writer.nameOf(x)),
      { inputs, outputs, attrs: free.attrs(node) },
    )
    for (const [i, y] of outputs.entries()) writer.names.set(y, names[i]!)
  }
  for (const [name, tensor] of outputs)
    writer.graph.push(
      create(NodeProtoSchema, { opType: 'Identity', input: [writer.nameOf(tensor)], output: [name] }),
    )
  const model = create(ModelProtoSchema, {
    irVersion: 9n,
    producerName: 'onestroke',
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: OPSET })],
    graph: create(GraphProtoSchema, {
      name: 'program',
      node: writer.graph,
      input: writer.inputs,
      output: outputs.map(([name, tensor]) => valueInfo(name, tensor, free)),
      initializer: writer.initializers,
    }),
  })
  return toBinary(ModelProtoSchema, model)
}

class GraphWriter implements Emitter {
  readonly graph: NodeProto[] = []
  readonly inputs: ValueInfoProto[] = []
  readonly initializers: TensorProto[] = []
  readonly names = new Map<Tensor, string>()
  #count = 0
  #shared = new Map<string, string>()

  /** @param taken names that the graph's own must not be. */
  constructor(readonly taken: ReadonlySet<string>) {}

  nameOf(tensor: Tensor): string {
    const known = this.names.get(tensor)
    if (known !== undefined) return known
    const { source } = tensor
    if ('input' in source)
      throw new RangeError(`the program uses an input ${source.input} that is not among its inputs`)
    if (!('values' in source)) throw new Error(`${source.op.name} was used before it was written`)
    const { values } = source
    const name =
      values instanceof Float32Array && tensor.shape.length === 0
        ? this.float(values[0]!)
        : this.initializer(this.#fresh(), tensor.shape, ONNX_TYPE[tensor.dtype], values)
    this.names.set(tensor, name)
    return name
  }

  node(type: string, inputs: readonly string[], attributes: OnnxAttributes = {}): string {
    return this.nodes(type, inputs, 1, attributes)[0]!
  }
  nodes(type: string, inputs: readonly string[], count: number, attributes: OnnxAttributes = {}): string[] {
    const output = Array.from({ length: count }, () => this.#fresh())
    const attribute = Object.entries(attributes).map(([name, value]) => attributeOf(name, value))
    this.graph.push(
      create(NodeProtoSchema, {
        name: `${type}${output[0]}`,
        opType: type,
        input: [...inputs],
        output,
        attribute,
      }),
    )
    return output
  }
  ints(values: readonly number[]): string {
    return this.#share(`i${values.join()}`, () =>
      this.initializer(
        this.#fresh(),
        [values.length],
        TensorProto_DataType.INT64,
        BigInt64Array.from(values, (n) => BigInt(Math.trunc(n))),
      ),
    )
  }
  float(value: number): string {
    return this.#share(`f${value}`, () =>
      this.initializer(this.#fresh(), [], TensorProto_DataType.FLOAT, Float32Array.of(value)),
    )
  }
  /** A constant float32 tensor, stored as asked. Casts of constants are done once, when the model is loaded. */
  constant(name: string, shape: Shape, values: Float32Array, storage: Storage): string {
    const toFloat = (stored: string) => this.node('Cast', [stored], { to: TensorProto_DataType.FLOAT })
    const exact = () => this.initializer(name, shape, TensorProto_DataType.FLOAT, values)
    switch (storage) {
      case 'fp32':
        return exact()
      case 'fp16':
        return toFloat(
          this.initializer(name, shape, TensorProto_DataType.FLOAT16, Uint16Array.from(values, halfOf)),
        )
      case 'int8':
        return isQuantized(shape) ? this.#quantized(name, shape, quantize(values, shape), toFloat) : exact()
      default:
        return storage satisfies never
    }
  }
  #quantized(
    name: string,
    shape: Shape,
    { values, scale, axis }: Quantized,
    toFloat: (stored: string) => string,
  ): string {
    const scaleShape = axis === 'first' ? [scale.length, ...shape.slice(1).map(() => 1)] : [scale.length]
    return this.node('Mul', [
      toFloat(this.initializer(name, shape, TensorProto_DataType.INT8, values)),
      this.initializer(this.#fresh(), scaleShape, TensorProto_DataType.FLOAT, scale),
    ])
  }
  initializer(
    name: string,
    shape: Shape,
    dataType: TensorProto_DataType,
    values: Float32Array | BigInt64Array | Uint16Array | Int8Array,
  ): string {
    const rawData = new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength)
    this.initializers.push(create(TensorProtoSchema, { name, dims: shape.map(BigInt), dataType, rawData }))
    return name
  }

  #fresh(): string {
    const name = `_${this.#count++}`
    return this.taken.has(name) ? this.#fresh() : name
  }
  #share(key: string, make: () => string): string {
    const name = this.#shared.get(key) ?? make()
    this.#shared.set(key, name)
    return name
  }
}

const attributeOf = (name: string, value: OnnxAttributes[string]): AttributeProto => {
  if (typeof value === 'number')
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) })
  if ('float' in value)
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.FLOAT, f: value.float })
  if ('string' in value)
    return create(AttributeProtoSchema, {
      name,
      type: AttributeProto_AttributeType.STRING,
      s: new TextEncoder().encode(value.string),
    })
  return create(AttributeProtoSchema, {
    name,
    type: AttributeProto_AttributeType.INTS,
    ints: value.map(BigInt),
  })
}

const valueInfo = (name: string, tensor: Tensor, free: FreeBatch): ValueInfoProto =>
  create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: 'tensorType',
        value: create(TypeProto_TensorSchema, {
          elemType: ONNX_TYPE[tensor.dtype],
          shape: create(TensorShapeProtoSchema, {
            dim: free.shape(tensor).map((n) =>
              create(TensorShapeProto_DimensionSchema, {
                value:
                  n === null ? { case: 'dimParam', value: 'batch' } : { case: 'dimValue', value: BigInt(n) },
              }),
            ),
          }),
        }),
      },
    }),
  })
