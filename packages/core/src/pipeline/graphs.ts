/** A model's graphs by name. */
import type { Executable } from '../tensor/index.js'

/** The denoiser; see `denoiseProgram`. */
export type GraphName = 'denoiser'

/** Something for each graph of a model. */
export type Graphs<Value> = Readonly<Record<GraphName, Value>>

export const graphEntries = <Value>(graphs: Graphs<Value>): [GraphName, Value][] =>
  Object.entries(graphs) as [GraphName, Value][]

/** Bytes of all graphs together. */
export const bytesOf = (graphs: Graphs<{ readonly bytes: number }>): number =>
  graphEntries(graphs).reduce((total, [, { bytes }]) => total + bytes, 0)

/** The same graphs with something else of each, made one after the other. */
export const mapGraphs = async <From, To>(
  graphs: Graphs<From>,
  make: (value: From, name: GraphName) => Promise<To>,
): Promise<Graphs<To>> => {
  const made: [GraphName, To][] = []
  for (const [name, value] of graphEntries(graphs)) made.push([name, await make(value, name)])
  return Object.fromEntries(made) as Graphs<To>
}

export const releaseGraphs = async (executables: Graphs<Executable>): Promise<void> => {
  for (const [, executable] of graphEntries(executables)) await executable.release()
}
