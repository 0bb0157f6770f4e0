import { describeParameters, type Layout, type Scope } from '../nn/index.js'
import type { PictureShape, PictureSize } from '../picture/index.js'
import { constant, input, type Tensor } from '../tensor/index.js'
import type { AutoencoderConfig } from './config.js'
import * as convolutional from './convolutional.js'
import * as kl from './kl.js'
import * as tiny from './tiny.js'

/** One kind of autoencoder: all that other rooms ask of it. Its schema is in `config.ts`, under the same name. */
interface AutoencoderKind<Config> {
  /** One line of help. */
  readonly about: string
  /** Pixels along the side of the square that is one position of the latents. */
  factor(config: Config): number
  /** Pictures [B, channels, H, W] in [-1, 1] → latents [B, latent_channels, H/factor, W/factor], not normalised. */
  encoder(scope: Scope, pictures: Tensor, config: Config): Tensor
  /** The way back, not clipped. */
  decoder(scope: Scope, latents: Tensor, config: Config): Tensor
}

/** Every kind of autoencoder, by `config.type`. */
export const AUTOENCODERS: {
  readonly [Type in AutoencoderConfig['type']]: AutoencoderKind<Extract<AutoencoderConfig, { type: Type }>>
} = {
  convolutional: {
    about: 'residual blocks of convolutions at a few scales',
    factor: ({ patch_size, levels }) => patch_size * 2 ** (levels.length - 1),
    encoder: convolutional.encoder,
    decoder: convolutional.decoder,
  },
  tiny: {
    about: "diffusers' AutoencoderTiny: convolutions of one width",
    factor: ({ levels }) => 2 ** (levels.length - 1),
    encoder: tiny.encoder,
    decoder: tiny.decoder,
  },
  kl: {
    about: "diffusers' AutoencoderKL: residual blocks with group norm, and attention",
    factor: ({ block_out_channels }) => 2 ** (block_out_channels.length - 1),
    encoder: kl.encoder,
    decoder: kl.decoder,
  },
}

const kindOf = (config: AutoencoderConfig): AutoencoderKind<AutoencoderConfig> => AUTOENCODERS[config.type]

/** Standard deviation of the points that a denoiser sees, in each channel. */
export const LATENT_SIGMA_DATA = 0.5

/** Pixels along the side of the square that is one position of the latents. */
export const factorOf = (config: AutoencoderConfig): number => kindOf(config).factor(config)

/** What the latents of pictures of a size look like. @throws RangeError if a side is no multiple of the factor. */
export const latentShape = (config: AutoencoderConfig, { height, width }: PictureSize): PictureShape => {
  const factor = factorOf(config)
  for (const side of [height, width])
    if (side % factor !== 0)
      throw new RangeError(
        `this autoencoder takes pictures whose sides are multiples of ${factor}, not ${side}`,
      )
  return { channels: config.latent_channels, height: height / factor, width: width / factor }
}

/** What pictures look like whose latents have such a size. */
export const pictureShape = (config: AutoencoderConfig, { height, width }: PictureSize): PictureShape => {
  const factor = factorOf(config)
  return { channels: config.channels, height: height * factor, width: width * factor }
}

/** Pictures [B, channels, H, W] in [-1, 1] → latents as the network makes them. */
export const rawLatents = (scope: Scope, pictures: Tensor, config: AutoencoderConfig): Tensor =>
  kindOf(config).encoder(scope.at('encoder'), pictures, config)

/** Latents as the network makes them → pictures, not clipped. */
export const decodedFrom = (scope: Scope, latents: Tensor, config: AutoencoderConfig): Tensor =>
  kindOf(config).decoder(scope.at('decoder'), latents, config)

/**
 * Pictures [B, channels, H, W] in [-1, 1] → the points that a denoiser sees: latents with mean 0 and deviation
 * `LATENT_SIGMA_DATA` in each channel.
 */
export const encode = (scope: Scope, pictures: Tensor, config: AutoencoderConfig): Tensor => {
  const { mean, scale } = normalization(config)
  return rawLatents(scope, pictures, config).sub(mean).mul(scale)
}

/** The inverse of `encode`, as near as the autoencoder comes: points → pictures, not clipped. */
export const decode = (scope: Scope, points: Tensor, config: AutoencoderConfig): Tensor => {
  const { mean, scale } = normalization(config)
  return decodedFrom(scope, points.div(scale).add(mean), config)
}

const normalization = ({ latents_mean, latents_std }: AutoencoderConfig) => {
  const shape = [latents_mean.length, 1, 1]
  return {
    mean: constant(Float32Array.from(latents_mean), shape),
    scale: constant(
      Float32Array.from(latents_std, (std) => LATENT_SIGMA_DATA / std),
      shape,
    ),
  }
}

/** The parameters of an autoencoder, in the order in which it asks for them: `encoder.…`, then `decoder.…`. */
export const autoencoderLayout = (config: AutoencoderConfig): Layout => {
  const side = factorOf(config)
  const pictures = input('pictures', [1, config.channels, side, side])
  return describeParameters((scope) => decodedFrom(scope, rawLatents(scope, pictures, config), config))
}
