/** Support for exports from before large vocabularies had their own inputs: their graphs take dense bags of any vocabulary. */
import { type BagShape, isDense, type PromptArrays, toDense } from '../text/index.js'
import type { GraphFile, Manifest } from './manifest.js'
import type { PipelineConfig } from './options.js'

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

/** Makes what a model's denoiser takes of what `Conditioner.encode` makes of prompts. */
export const promptsFor = ({
  network,
  graphs,
}: Pick<PipelineConfig, 'network' | 'graphs'>): ((encoded: PromptArrays) => PromptArrays) => {
  const shape = graphs && bagsOf({ network, inputs: graphs.denoiser.inputs })
  return (encoded) => (shape ? toDense(shape, encoded) : encoded)
}
