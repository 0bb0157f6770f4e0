/** Finds which parts of a program depend on the batch size, by comparing it with the same program for another size. */
import { nodesOf } from './autodiff.js'
import { openShape } from './ops/op.js'
import type { Program } from './program.js'
import type { Node, Tensor } from './types.js'

/** Shapes and attributes with the batch left open. */
export interface FreeBatch {
  /** A node's attributes. */
  attrs(node: Node): unknown
  /** A shape of the program's face, `null` where the batch decides. */
  shape(tensor: Tensor): (number | null)[]
}

/** Leaves shapes and attributes as they are: for programs of one batch size. */
export const fixedBatch: FreeBatch = { attrs: ({ attrs }) => attrs, shape: ({ shape }) => [...shape] }

/**
 * @param program and `other`: traces of the same function whose inputs differ in the size of the batch alone.
 * @throws RangeError naming the op, if the batch size matters to more than reshapes and broadcasts.
 */
export const freeBatch = (program: Program, other: Program): FreeBatch => {
  const outputsOf = ({ outputs }: Program) => Object.values(outputs)
  const [nodes, others] = [nodesOf(outputsOf(program)), nodesOf(outputsOf(other))]
  if (nodes.length !== others.length)
    throw new RangeError(
      `the program has ${nodes.length} nodes for one batch size, ${others.length} for another`,
    )
  const attrs = new Map(nodes.map((node, i) => [node, openAttrs(node, others[i]!)]))
  const faces = new Map<Tensor, Tensor>()
  for (const side of ['inputs', 'outputs'] as const)
    for (const [name, tensor] of Object.entries(program[side])) faces.set(tensor, other[side][name]!)
  return {
    attrs: (node) => attrs.get(node),
    shape: (tensor) => openShape(tensor.shape, faces.get(tensor)?.shape ?? tensor.shape, null),
  }
}

/** True if both inputs are equal constants, or neither is a constant. */
const sameConstant = (x: Tensor, y: Tensor): boolean => {
  const [mine, its] = [x, y].map(({ source }) => (source && 'values' in source ? source.values : undefined))
  if (!mine || !its) return mine === its
  return (
    x.shape.join() === y.shape.join() &&
    Array.from<number | bigint>(mine).every((value, i) => Object.is(value, its[i]))
  )
}

const openAttrs = (node: Node, other: Node): unknown => {
  const depends = (why: string) => new RangeError(`${node.op.name} depends on the batch size: ${why}`)
  if (node.op.name !== other.op.name) throw depends(`it is ${other.op.name} for another`)
  for (const [i, x] of node.inputs.entries())
    if (!sameConstant(x, other.inputs[i]!)) throw depends('one of its constants does')
  if (JSON.stringify(node.attrs) === JSON.stringify(other.attrs)) return node.attrs
  const open = node.op.openBatch?.(node, other.attrs)
  if (!open) throw depends('its attributes do')
  if ('why' in open) throw depends(open.why)
  return open.attrs
}
