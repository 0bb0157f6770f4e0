import { type InputSpec, inputOf, type Shape, type Tensor } from '../tensor/index.js'
import { asNegative, promptInputs } from '../text/index.js'
import type { NetworkInputs, Tap } from './condition.js'
import type { NetworkConfig } from './config.js'
import { hourglass } from './hourglass.js'
import { describeParameters, type Layout, type Scope } from './scope.js'
import { unet } from './unet.js'

/** The raw network F of any configuration: [B, C, H, W] → [B, C, H, W]. */
export const network = (scope: Scope, inputs: NetworkInputs, config: NetworkConfig, tap?: Tap): Tensor =>
  config.type === 'hourglass' ? hourglass(scope, inputs, config, tap) : unet(scope, inputs, config, tap)

/** Shapes of a network's inputs by name, with their types where these are not float32; see `NetworkInputs`. */
export type NetworkInputShapes = Readonly<Record<string, InputSpec>> & {
  readonly x: Shape
  readonly c_noise: Shape
}

/** The inputs that a network takes for a batch of `batch` pictures. */
export const networkInputShapes = (config: NetworkConfig, batch: number): NetworkInputShapes => {
  const { resolution, channels, embedding } = config
  const prompt = promptInputs(embedding.condition, batch)
  return {
    x: [batch, channels, resolution, resolution],
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
