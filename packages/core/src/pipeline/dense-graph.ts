/** Support for exports from before large vocabularies had their own inputs: their graphs take dense bags of any vocabulary. */
import type { Executable, Values } from '../tensor/index.js'
import {
  asNegative,
  type BagShape,
  isDense,
  negativeName,
  type PromptArrays,
  promptInputs,
  toDense,
} from '../text/index.js'
import type { Graphs } from './graphs.js'
import type { GraphFile, Manifest } from './manifest.js'

type Shapes = GraphFile['inputs']
/** A network, and what the graph of its denoiser takes. */
type Exported = Pick<Manifest, 'network'> & Pick<GraphFile, 'inputs'>

/** The bags that such a graph takes; undefined if it takes what its network takes now. */
const bagsOf = ({ network, inputs }: Exported): BagShape | undefined => {
  const { condition } = network.embedding
  const isEarlier = 'condition' in inputs && 'vocabulary_size' in condition && !isDense(condition)
  return isEarlier ? condition : undefined
}

/**
 * What a graph of an exported network should take: `now`, or, if it is one of those, dense bags in place of entries.
 *
 * @param now shapes by name, `null` for the batch.
 */
export const expectedInputs = (exported: Exported, now: Shapes): Shapes => {
  const shape = bagsOf(exported)
  if (!shape) return now
  const { entries: _, entry_weights: __, negative_entries, negative_entry_weights: ___, ...rest } = now
  const bags = [null, shape.tokens, shape.vocabulary_size]
  return { ...rest, condition: bags, ...(negative_entries && { negative: bags }) }
}

/** Runs the exported graph of a denoiser with the arrays that `Conditioner.encode` makes. */
export const exportedExecutable = (exported: Exported, executable: Executable): Executable => {
  const shape = bagsOf(exported)
  if (!shape) return executable
  const names = Object.keys(promptInputs(exported.network.embedding.condition, 1))
  const denseOf = (inputs: Readonly<Record<string, Values>>, nameOf: (name: string) => string) =>
    toDense(shape, Object.fromEntries(names.map((name) => [name, inputs[nameOf(name)]])) as PromptArrays)
  return {
    run(inputs, into) {
      const dense = {
        ...inputs,
        ...denseOf(inputs, (name) => name),
        ...('negative' in exported.inputs && asNegative(denseOf(inputs, negativeName))),
      }
      return executable.run(dense, into)
    },
    release: () => executable.release(),
  }
}

/** What runs the exported graphs of a model, fed with what `Conditioner.encode` makes. */
export const exportedExecutables = (
  { network, graphs }: Pick<Manifest, 'network'> & { readonly graphs: Graphs<Pick<GraphFile, 'inputs'>> },
  executables: Graphs<Executable>,
): Graphs<Executable> => ({
  ...executables,
  denoiser: exportedExecutable({ network, inputs: graphs.denoiser.inputs }, executables.denoiser),
})
