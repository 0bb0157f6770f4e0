import { z } from 'zod'
import { autoencoderConfig, factorOf } from '../autoencoder/index.js'
import { UserError } from '../errors/index.js'
import { dataProvenance } from './config.js'

/** `config.json` of an autoencoder's folder: what it is, and where it comes from. */
const autoencoderFileSchema = z.strictObject({
  format: z.literal('onestroke/1'),
  kind: z.literal('autoencoder'),
  network: autoencoderConfig,
  provenance: z.strictObject({
    data: dataProvenance,
    /** Crops that it learned from, repeats counted. */
    images_seen: z.int().nonnegative(),
    seconds: z.number().nonnegative(),
    seed: z.int().nonnegative(),
    preset: z.string(),
    versions: z.record(z.string(), z.string()),
  }),
  /** sha256 of `model.safetensors`. */
  weights_sha256: z.string().regex(/^[0-9a-f]{64}$/),
})

export type AutoencoderFile = z.infer<typeof autoencoderFileSchema>

/** Whether a parsed config.json says that it is an autoencoder's. */
export const isAutoencoder = (json: unknown): boolean =>
  typeof json === 'object' && json !== null && (json as { kind?: unknown }).kind === 'autoencoder'

/**
 * Checks a parsed config.json of an autoencoder.
 *
 * @throws UserError that names the file, the key, what was expected and what was found.
 */
export const parseAutoencoderFile = (json: unknown, file: string): AutoencoderFile => {
  const result = autoencoderFileSchema.safeParse(json)
  if (!result.success) {
    const [issue] = result.error.issues
    const key = issue!.path.length > 0 ? ` at ${issue!.path.join('.')}` : ''
    throw new UserError(`${file} is not an onestroke autoencoder config: ${issue!.message}${key}`)
  }
  const { network } = result.data
  const { latent_channels, latents_mean, latents_std } = network
  for (const [name, { length }] of Object.entries({ latents_mean, latents_std }))
    if (length !== latent_channels)
      throw new UserError(`${file}: network.${name} must hold ${latent_channels} numbers, not ${length}`)
  const sizes = network.preview?.map((row) => row.length) ?? []
  const expected = Array(network.channels).fill(latent_channels + 1)
  if (network.preview && sizes.join() !== expected.join())
    throw new UserError(
      `${file}: network.preview must hold ${network.channels} rows of ${latent_channels + 1} numbers, not of ${sizes.join(', ')}`,
    )
  if (factorOf(network) > 64)
    throw new UserError(`${file}: a factor of ${factorOf(network)} is too large, at most 64`)
  return result.data
}
