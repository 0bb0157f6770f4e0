import { input, type Tensor } from '../tensor/index.js'
import type { NetworkInputs } from './condition.js'
import type { NetworkConfig } from './config.js'
import { hourglass } from './hourglass.js'
import { describeParameters, type Layout, type Scope } from './scope.js'
import { unet } from './unet.js'

/** The raw network F of any configuration: [B, C, H, W] → [B, C, H, W]. */
export const network = (scope: Scope, inputs: NetworkInputs, config: NetworkConfig): Tensor =>
  config.type === 'hourglass' ? hourglass(scope, inputs, config) : unet(scope, inputs, config)

/** Shapes of a network's inputs for a batch of `batch` pictures, by name. */
export const networkInputShapes = (config: NetworkConfig, batch: number): Record<string, number[]> => {
  const { channels, height, width, embedding } = config
  const { condition } = embedding
  const bags = condition.kind !== 'none' && [batch, condition.tokens, condition.vocabulary]
  return {
    x: [batch, channels, height, width],
    c_noise: [batch],
    ...(bags && { condition: bags }),
    ...(embedding.guidance_embedding && { guidance_scale: [batch], ...(bags && { negative: bags }) }),
    ...(embedding.jump_embedding && { c_jump: [batch] }),
  }
}

/** The parameters of a network, in the order in which it asks for them. */
export const networkLayout = (config: NetworkConfig): Layout => {
  const inputs = Object.fromEntries(
    Object.entries(networkInputShapes(config, 1)).map(([name, shape]) => [name, input(name, shape)]),
  )
  return describeParameters((scope) => network(scope, inputs as unknown as NetworkInputs, config))
}
