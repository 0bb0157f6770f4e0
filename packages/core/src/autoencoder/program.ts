import { namedScope } from '../nn/index.js'
import type { PictureSize } from '../picture/index.js'
import { type InputSpec, type Program, type Tensor, trace } from '../tensor/index.js'
import { autoencoderLayout, decode, encode, latentShape } from './autoencoders.js'
import type { AutoencoderConfig } from './config.js'

/** Its two halves: what each takes, and what it gives. */
export const HALVES = {
  encoder: { input: 'pictures', output: 'points' },
  decoder: { input: 'points', output: 'pictures' },
} as const
export type Half = keyof typeof HALVES

const parametersOf = (config: AutoencoderConfig, half: Half): Record<string, InputSpec> =>
  Object.fromEntries(
    autoencoderLayout(config)
      .specs.filter(({ name }) => name.startsWith(`${half}.`))
      .map(({ name, shape }) => [name, shape]),
  )

/**
 * An encoder as a program for batches of one size. Inputs: `pictures` [B, channels, H, W] in [-1, 1], and every parameter of the
 * encoder under its own name (give these as constants to bake them in). Output: `points` [B, latent_channels, H/factor,
 * W/factor], see `encode`.
 */
export const encodeProgram = (config: AutoencoderConfig, batch: number, size: PictureSize): Program => {
  // Says what is wrong with a size.
  latentShape(config, size)
  const specs: Record<string, InputSpec> = {
    pictures: [batch, config.channels, size.height, size.width],
    ...parametersOf(config, 'encoder'),
  }
  return trace(specs, (inputs: Record<string, Tensor>) => ({
    points: encode(namedScope(inputs), inputs.pictures!, config),
  }))
}

/**
 * A decoder as a program for batches of one size. Inputs: `points` [B, latent_channels, h, w], of which `size` is the height and
 * the width, and every parameter of the decoder. Output: `pictures` [B, channels, h·factor, w·factor], not clipped.
 */
export const decodeProgram = (config: AutoencoderConfig, batch: number, size: PictureSize): Program => {
  const specs: Record<string, InputSpec> = {
    points: [batch, config.latent_channels, size.height, size.width],
    ...parametersOf(config, 'decoder'),
  }
  return trace(specs, (inputs: Record<string, Tensor>) => ({
    pictures: decode(namedScope(inputs), inputs.points!, config),
  }))
}

/** One half as a program for batches of pictures of a size, or, for the decoder, of points of a size. */
export const halfProgram = (
  half: Half,
  config: AutoencoderConfig,
  batch: number,
  size: PictureSize,
): Program => (half === 'encoder' ? encodeProgram : decodeProgram)(config, batch, size)
