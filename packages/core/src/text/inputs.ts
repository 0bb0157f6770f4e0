/** The named arrays that carry prompts to a network, and the names that they have where guidance leads away from them. */

/** Shape of an input, and its type where that is not float32. */
export type PromptInput = readonly number[] | { readonly shape: readonly number[]; readonly dtype: 'int64' }

export type PromptArray = Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>

/** By the names of the network's inputs. */
export type PromptInputs = Readonly<Record<string, PromptInput>>
export type PromptArrays = Readonly<Record<string, PromptArray>>

/** Arrays of zeros for inputs. */
export const promptArrays = (inputs: PromptInputs): PromptArrays =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, input]): [string, PromptArray] => {
      const size = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1)
      return [name, 'dtype' in input ? new BigInt64Array(size(input.shape)) : new Float32Array(size(input))]
    }),
  )

/** The input of a negative prompt that is encoded as the input `name` of the prompt. Dense bags are called as in the first exports. */
export const negativeName = (name: string): string => (name === 'condition' ? 'negative' : `negative_${name}`)

/** What belongs to a prompt, under the names that it has as a negative prompt. */
export const asNegative = <T>(prompt: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(prompt).map(([name, value]) => [negativeName(name), value]))
