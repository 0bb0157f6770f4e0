/**
 * Derivatives of graphs, as graphs: reverse mode (`grad`), forward mode (`jvp`), and recomputation (`checkpoint`).
 * Each walks the nodes once, in the order in which they were made or against it, and applies the ops' rules.
 */
import { constant, OpNode } from './tensor.js'
import type { Context, Node, Tensor } from './types.js'

/** The nodes that `outputs` depend on, in the order in which they were made. */
export const nodesOf = (outputs: readonly Tensor[]): Node[] => {
  const seen = new Set<Node>()
  const stack = outputs.map((x) => x.node)
  while (stack.length > 0) {
    const node = stack.pop()
    if (!node || seen.has(node)) continue
    seen.add(node)
    for (const x of node.inputs) stack.push(x.node)
  }
  return [...seen].sort((a, b) => a.id - b.id)
}

/** Those of `nodes` through which a derivative with respect to `wrt` can pass. */
const activeNodes = (nodes: readonly Node[], wrt: readonly Tensor[]): Set<Node> => {
  const roots = new Set(wrt)
  const active = new Set<Node>()
  for (const node of nodes) {
    const reaches = node.inputs.some((x) => roots.has(x) || (x.node !== undefined && active.has(x.node)))
    if (reaches && (node.op.vjp || node.op.jvp)) active.add(node)
  }
  return active
}

const checkCounts = (what: string, a: string, as: readonly Tensor[], b: string, bs: readonly Tensor[]) => {
  if (as.length !== bs.length) throw new RangeError(`${what}: ${as.length} ${a} for ${bs.length} ${b}`)
}

/**
 * Gradients of a scalar with respect to tensors (which may be inputs or intermediate), by reverse accumulation.
 * A tensor that `loss` does not depend on gets zeros.
 *
 * @throws RangeError if `loss` is not a scalar.
 */
export const grad = (loss: Tensor, wrt: readonly Tensor[]): Tensor[] => {
  if (loss.size !== 1) throw new RangeError(`grad: the loss must be a scalar, not [${loss.shape.join(', ')}]`)
  const one = constant(1).reshape(loss.shape)
  return vjp([loss], wrt, [one])
}

/** Vector-Jacobian product: cotangents of `wrt`, from cotangents of `outputs`. */
export const vjp = (
  outputs: readonly Tensor[],
  wrt: readonly Tensor[],
  cotangents: readonly Tensor[],
): Tensor[] => {
  checkCounts('vjp', 'cotangents', cotangents, 'outputs', outputs)
  const nodes = nodesOf(outputs)
  const active = activeNodes(nodes, wrt)
  const sums = new Map<Tensor, Tensor>()
  const accumulate = (x: Tensor, g: Tensor) => {
    const sum = sums.get(x)
    sums.set(x, sum ? sum.add(g) : g)
  }
  for (const [i, x] of outputs.entries()) accumulate(x, cotangents[i]!)
  const recompute = recomputation(nodes)
  for (const node of nodes.reverse()) {
    const gs = node.outputs.map((y) => sums.get(y))
    if (!active.has(node) || !node.op.vjp || gs.every((g) => g === undefined)) continue
    const full = node.op.lazy ? gs : gs.map((g, i) => g?.broadcastTo(node.outputs[i]!.shape))
    const results = node.op.vjp(recompute(node, full), full)
    for (const [i, g] of results.entries()) if (g) accumulate(node.inputs[i]!, g)
  }
  return wrt.map((x) => sums.get(x)?.broadcastTo(x.shape) ?? x.zerosLike())
}

/**
 * Jacobian-vector product: tangents of `outputs`, from tangents of `primals` (inputs or intermediate tensors), by
 * forward accumulation. The result can be differentiated again, or passed through `stopGradient`.
 */
export const jvp = (
  outputs: readonly Tensor[],
  primals: readonly Tensor[],
  tangents: readonly Tensor[],
): Tensor[] => {
  checkCounts('jvp', 'tangents', tangents, 'primals', primals)
  const nodes = nodesOf(outputs)
  const active = activeNodes(nodes, primals)
  const known = new Map<Tensor, Tensor>(primals.map((x, i) => [x, tangents[i]!.broadcastTo(x.shape)]))
  for (const node of nodes) {
    if (!active.has(node) || !node.op.jvp) continue
    const ts = node.inputs.map((x) => known.get(x))
    if (ts.every((t) => t === undefined)) continue
    for (const [i, t] of node.op.jvp(node, ts).entries()) {
      const y = node.outputs[i]!
      if (t && !known.has(y)) known.set(y, t.broadcastTo(y.shape))
    }
  }
  return outputs.map((y) => known.get(y) ?? y.zerosLike())
}

/**
 * Gradient checkpointing (Chen et al. 2016): what `block` computes on the way is not kept for the backward pass but
 * computed again there. Costs one more forward pass of the block, saves its intermediate tensors. For networks whose
 * intermediate tensors do not fit into memory: `checkpoint(() => transformerBlock(scope, x, …))`.
 *
 * @throws RangeError if `block` is asynchronous: nodes that others make in the meantime would count as its own.
 */
export const checkpoint = <T>(block: () => T): T => {
  const outer = OpNode.region
  OpNode.region = Symbol('checkpoint')
  try {
    const result = block()
    if (result instanceof Promise) throw new RangeError('checkpoint: the block must not be asynchronous')
    return result
  } finally {
    OpNode.region = outer
  }
}

/** Inputs of the program and plain pieces of them, such as weights: they are there anyway. */
const isLeafView = ({ node }: Tensor): boolean =>
  node === undefined || (node.op.view === true && isLeafView(node.inputs[0]!))

/** For nodes in a checkpointed block: their inputs and outputs, computed again once the cotangent is there. */
const recomputation = (nodes: readonly Node[]) => {
  const copies = new Map<Tensor, Tensor>()
  const regions = new Map<symbol, Node[]>()
  for (const node of nodes)
    if (node.region) regions.set(node.region, [...(regions.get(node.region) ?? []), node])
  const copyRegion = (members: readonly Node[], after: Tensor) => {
    const inside = new Set(members)
    const outside = members
      .flatMap(({ inputs }) => inputs)
      .filter((x) => !inside.has(x.node!) && !('values' in x.source))
    // The first is held back in any case: otherwise a runtime would find the copy equal to the first computation.
    const held = new Set(outside.filter((x, i) => i === 0 || !isLeafView(x)))
    const copyOf = (x: Tensor): Tensor => {
      const copy = copies.get(x) ?? (held.has(x) ? x.barrier(after) : x)
      copies.set(x, copy)
      return copy
    }
    for (const node of members) {
      const copy = new OpNode(node.op, node.inputs.map(copyOf), node.attrs)
      for (const [i, y] of node.outputs.entries()) copies.set(y, copy.outputs[i]!)
    }
  }
  return (node: Node, cotangents: readonly (Tensor | undefined)[]): Context<unknown> => {
    if (!node.region) return node
    const members = regions.get(node.region)
    if (members) {
      regions.delete(node.region)
      copyRegion(members, cotangents.find((g) => g !== undefined)!)
    }
    const current = (x: Tensor) => copies.get(x) ?? x
    return { inputs: node.inputs.map(current), outputs: node.outputs.map(current), attrs: node.attrs }
  }
}
