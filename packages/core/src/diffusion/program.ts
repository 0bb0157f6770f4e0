import { type NetworkConfig, namedScope, networkInputShapes, networkLayout } from '../nn/index.js'
import { type InputSpec, type Program, type Tensor, trace } from '../tensor/index.js'
import { type DenoiserConfig, networkDenoiser } from './denoiser.js'

/**
 * The inputs of a denoiser for batches of one size, without its parameters: `x` [B, C, H, W], `sigma` [B]; and, where the
 * network has them, those of the prompts (see `promptInputs`), `guidance_scale` [B], those of the negative prompts, and
 * `s` [B].
 */
export const denoiserInputs = (network: NetworkConfig, batch: number): Record<string, InputSpec> => {
  const { x, c_noise, c_jump, ...condition } = networkInputShapes(network, batch)
  const inputs = { x, sigma: c_noise, ...condition }
  return c_jump ? { ...inputs, s: c_jump } : inputs
}

/**
 * The denoiser of a model as a program for batches of one size. Inputs: those of `denoiserInputs`, and every parameter
 * under its own name (give these as constants to bake them in). Output: `denoised` [B, C, H, W].
 */
export const denoiseProgram = (config: DenoiserConfig, batch: number): Program => {
  const { x, sigma, ...condition } = denoiserInputs(config.network, batch)
  const specs: Record<string, InputSpec> = { x: x!, sigma: sigma!, ...condition }
  for (const { name, shape } of networkLayout(config.network).specs) specs[name] = shape
  return trace(specs, (inputs: Record<string, Tensor>) => {
    const told = Object.fromEntries(Object.keys(condition).map((name) => [name, inputs[name]!]))
    return { denoised: networkDenoiser(namedScope(inputs), config).denoise(inputs.x!, inputs.sigma!, told) }
  })
}
