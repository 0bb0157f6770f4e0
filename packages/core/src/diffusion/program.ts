import { namedScope, networkInputShapes, networkLayout } from '../nn/index.js'
import { type Program, type Shape, type Tensor, trace } from '../tensor/index.js'
import { type DenoiserConfig, networkDenoiser } from './denoiser.js'

/**
 * The denoiser of a model as a program for batches of one size. Inputs: `x` [B, C, H, W], `sigma` [B], `condition`
 * [B, tokens, entries], `guidance_scale` [B], `negative` (as `condition`) and `s` [B] where the network has them, and every parameter under its own name
 * (give these as constants to bake them in). Output: `denoised` [B, C, H, W].
 */
export const denoiseProgram = (config: DenoiserConfig, batch: number): Program => {
  const { x, condition, guidance_scale, negative, c_jump } = networkInputShapes(config.network, batch)
  const specs: Record<string, Shape> = { x: x!, sigma: [batch] }
  if (condition) specs.condition = condition
  if (guidance_scale) specs.guidance_scale = guidance_scale
  if (negative) specs.negative = negative
  if (c_jump) specs.s = c_jump
  for (const { name, shape } of networkLayout(config.network).specs) specs[name] = shape
  return trace(specs, (inputs: Record<string, Tensor>) => ({
    denoised: networkDenoiser(namedScope(inputs), config).denoise(inputs.x!, inputs.sigma!, {
      ...(inputs.condition && { condition: inputs.condition }),
      ...(inputs.guidance_scale && { guidance_scale: inputs.guidance_scale }),
      ...(inputs.negative && { negative: inputs.negative }),
      ...(inputs.s && { s: inputs.s }),
    }),
  }))
}
