import { z } from 'zod'
import { autoencoderConfig } from '../autoencoder/index.js'

/** In what a model's denoiser works, on its way between noise and pictures: stored in config.json, where `pixels` is not written. */
export const spaceSchema = z.discriminatedUnion('kind', [
  /** The pictures' own values. */
  z.strictObject({ kind: z.literal('pixels') }),
  /** The latents of an autoencoder, whose weights lie beside those of the denoiser. */
  z.strictObject({ kind: z.literal('latents'), autoencoder: autoencoderConfig }),
])
export type Space = z.infer<typeof spaceSchema>
