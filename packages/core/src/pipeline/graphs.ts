/** A model's graphs by name. */
import type { Half } from '../autoencoder/index.js'
import type { Executable } from '../tensor/index.js'

/** The denoiser, see `denoiseProgram`; and, where it works in latents, both halves of the autoencoder. */
export type GraphName = 'denoiser' | Half

/** Those that not every model has. */
export type OptionalGraph = Exclude<GraphName, 'denoiser'>

/** Something for each graph of a model. */
export type Graphs<Value> = { readonly denoiser: Value } & { readonly [Name in OptionalGraph]?: Value }

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
  return Object.fromEntries(made) as unknown as Graphs<To>
}

/** @throws RangeError if a model has no such graph. */
export const graphNamed = <Value>(graphs: Graphs<Value>, name: GraphName): Value => {
  const found = graphs[name]
  if (found === undefined) throw new RangeError(`this model has no ${name}`)
  return found
}

export const releaseGraphs = async (executables: Graphs<Executable>): Promise<void> => {
  for (const [, executable] of graphEntries(executables)) await executable.release()
}
