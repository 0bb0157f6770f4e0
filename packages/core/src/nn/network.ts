import { type InputSpec, inputOf, type Shape, type Tensor } from '../tensor/index.js'
import { asNegative, promptInputs } from '../text/index.js'
import type { NetworkInputs, Tap } from './condition.js'
import type { NetworkConfig } from './config.js'
import { type Half, halfHourglass, hourglass } from './hourglass.js'
import { describeParameters, type Layout, type Scope } from './scope.js'
import { unet } from './unet.js'

/** One kind of network: all that the other rooms ask of it. Its schema is in `config.ts`, under the same name. */
export interface NetworkKind<Config> {
  /** One line of help. */
  readonly about: string
  /** F(x, c_noise, condition): [B, C, H, W] → [B, C, H, W]. */
  network(scope: Scope, inputs: NetworkInputs, config: Config, tap?: Tap): Tensor
  /** The same network with half of its blocks. Undefined where none can be left out. */
  readonly half: ((config: Config) => Half<Config>) | undefined
}

type ConfigOf<Type extends NetworkConfig['type']> = Extract<NetworkConfig, { type: Type }>

/** Every kind of network, by `config.type`. */
export const NETWORKS: { readonly [Type in NetworkConfig['type']]: NetworkKind<ConfigOf<Type>> } = {
  hourglass: {
    about: 'a transformer on patches, in the shape of an hourglass',
    network: hourglass,
    half: halfHourglass,
  },
  unet: {
    about: 'a convolutional U-Net on patches',
    network: unet,
    half: undefined,
  },
}

/** The kind of a config. The table's type says that it takes configs of this kind; TypeScript cannot follow that. */
const kindOf = (config: NetworkConfig): NetworkKind<NetworkConfig> =>
  NETWORKS[config.type] as unknown as NetworkKind<NetworkConfig>

/** The raw network F of any configuration: [B, C, H, W] → [B, C, H, W]. */
export const network = (scope: Scope, inputs: NetworkInputs, config: NetworkConfig, tap?: Tap): Tensor =>
  kindOf(config).network(scope, inputs, config, tap)

/** The same network with half of its blocks, or undefined if its kind has no such half. */
export const halfNetwork = (config: NetworkConfig): Half<NetworkConfig> | undefined =>
  kindOf(config).half?.(config)

/** Shapes of a network's inputs by name, with their types where these are not float32; see `NetworkInputs`. */
export type NetworkInputShapes = Readonly<Record<string, InputSpec>> & {
  readonly x: Shape
  readonly c_noise: Shape
}

/** The inputs that a network takes for a batch of `batch` pictures. */
export const networkInputShapes = (config: NetworkConfig, batch: number): NetworkInputShapes => {
  const { channels, height, width, embedding } = config
  const prompt = promptInputs(embedding.condition, batch)
  return {
    x: [batch, channels, height, width],
    c_noise: [batch],
    ...prompt,
    ...(embedding.guidance_embedding && { guidance_scale: [batch], ...asNegative(prompt) }),
    ...(embedding.jump_embedding && { c_jump: [batch] }),
  }
}

/** The parameters of a network, in the order in which it asks for them. */
export const networkLayout = (config: NetworkConfig): Layout => {
  const inputs = Object.fromEntries(
    Object.entries(networkInputShapes(config, 1)).map(([name, spec]) => [name, inputOf(name, spec)]),
  )
  return describeParameters((scope) => network(scope, inputs as unknown as NetworkInputs, config))
}
