/** ONNX models for tests, put together by hand, as our own emission never would. */
import { create, toBinary } from '@bufbuild/protobuf'
import * as onnx from 'onnx-buf'

const { INT64, FLOAT } = onnx.TensorProto_DataType

/** Axes with a name are of any size. */
export type Axes = readonly (number | string)[]

/** What a graph takes in, or gives. Without axes, its shape is not said. */
export const value = (name: string, axes?: Axes, elemType = FLOAT): onnx.ValueInfoProto => {
  if (!axes) return create(onnx.ValueInfoProtoSchema, { name })
  const dim = axes.map((n) =>
    create(onnx.TensorShapeProto_DimensionSchema, {
      value: typeof n === 'number' ? { case: 'dimValue', value: BigInt(n) } : { case: 'dimParam', value: n },
    }),
  )
  const shape = create(onnx.TensorShapeProtoSchema, { dim })
  const tensor = create(onnx.TypeProto_TensorSchema, { elemType, shape })
  return create(onnx.ValueInfoProtoSchema, {
    name,
    type: create(onnx.TypeProtoSchema, { value: { case: 'tensorType', value: tensor } }),
  })
}

/** What a node is told: a whole number or several, a word, a number with a fraction, or a graph to run. */
export type Attribute =
  | number
  | readonly number[]
  | string
  | { readonly float: number }
  | { readonly graph: onnx.GraphProto }

const attributeOf = (name: string, value: Attribute): onnx.AttributeProto => {
  const KIND = onnx.AttributeProto_AttributeType
  const attribute = create(onnx.AttributeProtoSchema, { name })
  if (typeof value === 'number') return Object.assign(attribute, { type: KIND.INT, i: BigInt(value) })
  if (typeof value === 'string')
    return Object.assign(attribute, { type: KIND.STRING, s: new TextEncoder().encode(value) })
  if ('float' in value) return Object.assign(attribute, { type: KIND.FLOAT, f: value.float })
  if ('graph' in value) return Object.assign(attribute, { type: KIND.GRAPH, g: value.graph })
  return Object.assign(attribute, { type: KIND.INTS, ints: value.map(BigInt) })
}

export const node = (
  opType: string,
  input: readonly string[],
  output: string,
  attributes: Readonly<Record<string, Attribute>> = {},
): onnx.NodeProto =>
  create(onnx.NodeProtoSchema, {
    opType,
    input: [...input],
    output: [output],
    attribute: Object.entries(attributes).map(([name, value]) => attributeOf(name, value)),
  })

/** Numbers that a graph holds: with a shape, or whole numbers in a row. */
export type Weight = { readonly shape: readonly number[]; readonly values: Float32Array } | readonly number[]

export const weight = (name: string, weight: Weight): onnx.TensorProto =>
  'shape' in weight
    ? create(onnx.TensorProtoSchema, {
        name,
        dims: weight.shape.map(BigInt),
        dataType: FLOAT,
        rawData: Uint8Array.from(new Uint8Array(weight.values.buffer)),
      })
    : create(onnx.TensorProtoSchema, {
        name,
        dims: [BigInt(weight.length)],
        dataType: INT64,
        int64Data: weight.map(BigInt),
      })

export interface Graph {
  readonly input: onnx.ValueInfoProto[]
  readonly output: onnx.ValueInfoProto[]
  readonly node: onnx.NodeProto[]
  readonly initializer?: onnx.TensorProto[]
}

export const graphOf = ({ initializer = [], ...graph }: Graph): onnx.GraphProto =>
  create(onnx.GraphProtoSchema, { name: 'test', initializer, ...graph })

/** The file of a model. */
export const modelOf = (graph: Graph): Uint8Array =>
  toBinary(
    onnx.ModelProtoSchema,
    create(onnx.ModelProtoSchema, {
      irVersion: 9n,
      opsetImport: [create(onnx.OperatorSetIdProtoSchema, { domain: '', version: 17n })],
      graph: graphOf(graph),
    }),
  )
