/** Prompts as weighted entries of a vocabulary, and the inputs of a network that takes them so. */
import { type PromptArrays, type PromptInputs, promptArrays } from './inputs.js'

/** An entry of the vocabulary at one token, with its weight. */
export interface Bag {
  readonly token: number
  readonly entry: number
  readonly weight: number
}

/** A prompt as a model reads it. */
export type Reading = readonly Bag[]

/** How many entries a vocabulary has, and how many tokens a prompt. */
export interface BagShape {
  readonly vocabulary_size: number
  readonly tokens: number
}

/** Entry 0 of every vocabulary stands for "no prompt": what classifier-free guidance contrasts with. */
export const NULL_ENTRY = 0
/** The dropped prompt. */
export const NOTHING: Reading = [{ token: 0, entry: NULL_ENTRY, weight: 1 }]

/** The largest vocabulary that comes as dense bags. */
const LARGEST_DENSE = 2048
/** Different entries that are read of a prompt, for each token. A word has as many as letters, and one more. */
const ENTRIES_PER_TOKEN = 32

/** Whether prompts come as dense bags: a product with the whole table of word vectors is cheap only while it is small. */
export const isDense = ({ vocabulary_size }: BagShape): boolean => vocabulary_size <= LARGEST_DENSE

/**
 * The inputs of a batch of B prompts. Small vocabularies: `condition` [B, tokens, vocabulary_size], the weights of all
 * entries. Larger ones: `entries` [B, N], the entries that the prompt has, and `entry_weights` [B, tokens, N], their weights.
 */
export const bagInputs = (shape: BagShape, batch: number): PromptInputs => {
  if (isDense(shape)) return denseInputs(shape, batch)
  const { tokens } = shape
  const most = ENTRIES_PER_TOKEN * tokens
  return {
    entries: { shape: [batch, most], dtype: 'int64' },
    entry_weights: [batch, tokens, most],
  }
}

/** Dense bags of any vocabulary: the inputs of exports from before large vocabularies had their own inputs. */
export const denseInputs = ({ vocabulary_size, tokens }: BagShape, batch: number): PromptInputs => ({
  condition: [batch, tokens, vocabulary_size],
})

/** Writes readings into the arrays of `bagInputs`. Entries for which there is no room are left out. */
export const encodeBags = (
  shape: BagShape,
  readings: readonly Reading[],
  arrays: PromptArrays = promptArrays(bagInputs(shape, readings.length)),
): PromptArrays => {
  const { vocabulary_size, tokens } = shape
  if (isDense(shape)) {
    const condition = arrays.condition as Float32Array
    condition.fill(0)
    for (const [b, reading] of readings.entries())
      for (const { token, entry, weight } of reading)
        condition[(b * tokens + token) * vocabulary_size + entry]! += weight
    return arrays
  }
  const entries = arrays.entries as BigInt64Array
  const weights = arrays.entry_weights as Float32Array
  const most = ENTRIES_PER_TOKEN * tokens
  entries.fill(BigInt(NULL_ENTRY))
  weights.fill(0)
  for (const [b, reading] of readings.entries()) {
    const columns = new Map<number, number>()
    for (const { token, entry, weight } of reading) {
      const column = columns.get(entry) ?? columns.size
      if (column >= most) continue
      columns.set(entry, column)
      entries[b * most + column] = BigInt(entry)
      weights[(b * tokens + token) * most + column]! += weight
    }
  }
  return arrays
}

/** Dense bags of what `encodeBags` has written for a large vocabulary. */
export const toDense = ({ vocabulary_size, tokens }: BagShape, arrays: PromptArrays): PromptArrays => {
  const entries = arrays.entries as BigInt64Array
  const weights = arrays.entry_weights as Float32Array
  const most = ENTRIES_PER_TOKEN * tokens
  const dense = promptArrays(denseInputs({ vocabulary_size, tokens }, entries.length / most))
  const condition = dense.condition as Float32Array
  for (const [i, weight] of weights.entries()) {
    const row = Math.floor(i / most)
    const entry = Number(entries[Math.floor(row / tokens) * most + (i % most)])
    condition[row * vocabulary_size + entry]! += weight
  }
  return dense
}

/** A reading `weight` of the way from `a` to `b`: the bags of both, each by its share. */
export const betweenBags = (a: Reading, b: Reading, weight: number): Reading => {
  const share = (reading: Reading, of: number) => reading.map((bag) => ({ ...bag, weight: bag.weight * of }))
  // At either end the other one has no share, and takes no place.
  return share(a, 1 - weight)
    .concat(share(b, weight))
    .filter((bag) => bag.weight !== 0)
}
