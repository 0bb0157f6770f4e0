/** For tests only (not exported from the package): small networks of every kind, and how to run them. */

import { Random } from '../random/index.js'
import { inputOf, interpret, type Program, trace } from '../tensor/index.js'
import type { PromptShape } from '../text/index.js'
import {
  type HourglassConfig,
  type NetworkConfig,
  namedScope,
  network,
  networkInputShapes,
  networkLayout,
  type UnetConfig,
} from './index.js'

const CONDITIONS: readonly PromptShape[] = [
  { kind: 'none' },
  { kind: 'class', vocabulary_size: 3, tokens: 1 },
  { kind: 'text', vocabulary_size: 5, tokens: 2 },
]

/** What all of them have: pictures of 8×8 pixels, in patches of 2×2. */
const small = (
  condition: PromptShape = { kind: 'none' },
  guidance_embedding = false,
  jump_embedding = false,
) => ({
  height: 8,
  width: 8,
  channels: 3,
  patch_size: 2,
  embedding: { width: 5, token_width: 4, condition, guidance_embedding, jump_embedding },
})
type Inputs = Parameters<typeof small>

export const hourglassOf = (...inputs: Inputs): HourglassConfig => ({
  ...small(...inputs),
  type: 'hourglass',
  levels: [
    { width: 4, depth: 1, heads: 2, window: 2 },
    { width: 6, depth: 1, heads: 3, window: 2 },
  ],
  mixing: 'squares',
  mlp_ratio: 1.5,
})

/** One whose blocks read their neighbours: wide enough that there are channels to shift. */
export const seamlessOf = (...inputs: Inputs): HourglassConfig => ({
  ...hourglassOf(...inputs),
  mixing: 'neighbours',
  levels: [
    { width: 8, depth: 1, heads: 2, window: 2 },
    { width: 12, depth: 1, heads: 3, window: 2 },
  ],
})

export const unetOf = (...inputs: Inputs): UnetConfig => ({
  ...small(...inputs),
  type: 'unet',
  levels: [
    { width: 4, depth: 1, attention: 0 },
    { width: 8, depth: 1, attention: 2 },
  ],
  groups: 2,
})

type Small = (...inputs: Inputs) => NetworkConfig

/** Small networks of each type, by name: a new type needs one here. */
const SMALL: Readonly<Record<NetworkConfig['type'], Readonly<Record<string, Small>>>> = {
  hourglass: { 'hourglass of squares': hourglassOf, 'hourglass of neighbours': seamlessOf },
  unet: { unet: unetOf },
}
export const SMALL_NETWORKS: readonly (readonly [name: string, of: Small])[] = Object.values(SMALL).flatMap(
  (all) => Object.entries(all),
)

/** Networks with every condition, plain, with an input for the guidance scale, and with one for where to jump. */
export const EXAMPLES: readonly (readonly [name: string, config: NetworkConfig])[] = SMALL_NETWORKS.flatMap(
  ([name, of]) =>
    CONDITIONS.flatMap((condition) =>
      [
        [false, false],
        [true, false],
        [false, true],
      ].map(([guided, jumps]) => {
        const what = `${guided ? ', guided' : ''}${jumps ? ', a flow map' : ''}`
        return [`${name}, ${condition.kind}${what}`, of(condition, guided, jumps)] as const
      }),
    ),
)

/** The network as a program: its inputs, and its parameters by name; output `F`. */
export const networkProgram = (config: NetworkConfig, batch: number): Program => {
  const shapes = Object.fromEntries(networkLayout(config).specs.map(({ name, shape }) => [name, shape]))
  return trace({ ...networkInputShapes(config, batch), ...shapes }, (inputs) => {
    const { x, c_noise, ...rest } = inputs
    return { F: network(namedScope(inputs), { x: x!, c_noise: c_noise!, ...rest }, config) }
  })
}

export const randomArray = (length: number, seed: number): Float32Array =>
  new Random({ seed, stream: 0, step: 0, index: length }).fillNormal(new Float32Array(length))

/** Values for the inputs of a batch, and for parameters, none of which is zero. */
export const randomInputs = (config: NetworkConfig, batch: number, seed: number) =>
  Object.fromEntries(
    Object.entries(networkInputShapes(config, batch)).map(([name, spec]) => {
      const values = randomArray(inputOf(name, spec).size, seed)
      return [name, name === 'guidance_scale' ? values.map((value) => 1 + Math.abs(value)) : values]
    }),
  )
export const randomParameters = (config: NetworkConfig, seed: number): Record<string, Float32Array> => {
  const layout = networkLayout(config)
  return layout.unflatten(randomArray(layout.size, seed).map((value) => 0.5 * value))
}

/** F for given inputs and parameters. */
export const runNetwork = (
  config: NetworkConfig,
  inputs: Readonly<Record<string, Float32Array>>,
  parameters: Readonly<Record<string, Float32Array>>,
): Float64Array => interpret(networkProgram(config, inputs.c_noise!.length), { ...inputs, ...parameters }).F!
