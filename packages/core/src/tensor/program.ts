import { nodesOf } from './autodiff.js'
import { input } from './tensor.js'
import type { DType, Shape, Tensor } from './types.js'

/** Shape and type of a program's input; float32 unless it says otherwise. */
export type InputSpec = Shape | { readonly shape: Shape; readonly dtype: DType }

/** A symbolic input as its spec describes it. */
export const inputOf = (name: string, spec: InputSpec): Tensor =>
  'dtype' in spec ? input(name, spec.shape, spec.dtype) : input(name, spec)

/** A traced function: named inputs, named outputs, the graph between them. */
export interface Program {
  readonly inputs: Readonly<Record<string, Tensor>>
  readonly outputs: Readonly<Record<string, Tensor>>
}

/** Calls `body` once with symbolic inputs and keeps the graph that it builds. */
export const trace = <I extends Record<string, InputSpec>>(
  specs: I,
  body: (inputs: { [K in keyof I]: Tensor }) => Record<string, Tensor>,
): Program => {
  const inputs = Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [name, inputOf(name, spec)]),
  ) as { [K in keyof I]: Tensor }
  return { inputs, outputs: body(inputs) }
}

/** How many nodes a program has, by op: what an engine's user looks at first when a step is slow. */
export const countNodes = (program: Program): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { op } of nodesOf(Object.values(program.outputs))) counts[op.name] = (counts[op.name] ?? 0) + 1
  return counts
}
