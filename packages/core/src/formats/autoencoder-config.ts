import { z } from 'zod'
import { type AutoencoderConfig, autoencoderConfig, factorOf } from '../autoencoder/index.js'
import { UserError } from '../errors/index.js'
import { trainingProvenance } from './config.js'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

/** `config.json` of an autoencoder's folder: what it is, and where it comes from. */
const autoencoderFileSchema = z.strictObject({
  format: z.literal('onestroke/1'),
  kind: z.literal('autoencoder'),
  network: autoencoderConfig,
  /** How it was trained here. */
  provenance: trainingProvenance.optional(),
  /** Or what it was in another project: its class, the version of that project where the file tells, the weights' hash there. */
  imported: z
    .strictObject({
      from: z.literal('diffusers'),
      class_name: z.string(),
      version: z.string().optional(),
      sha256,
    })
    .optional(),
  /** sha256 of the weights' file. */
  weights_sha256: sha256,
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
  const { network, provenance, imported } = result.data
  if ((provenance === undefined) === (imported === undefined))
    throw new UserError(
      `${file} must say where the autoencoder comes from: it needs provenance or imported, and not both`,
    )
  checkAutoencoder(network, file, 'network.')
  return result.data
}

/**
 * Checks what the schema of an autoencoder's network does not.
 *
 * @param file that describes it.
 * @param at where in the file: `network.`, or nothing if it is the file's whole object.
 * @throws UserError that names the file, the key, what was expected and what was found.
 */
export const checkAutoencoder = (network: AutoencoderConfig, file: string, at = ''): void => {
  const { latent_channels, latents_mean, latents_std } = network
  for (const [name, { length }] of Object.entries({ latents_mean, latents_std }))
    if (length !== latent_channels)
      throw new UserError(`${file}: ${at}${name} must hold ${latent_channels} numbers, not ${length}`)
  const sizes = network.preview?.map((row) => row.length) ?? []
  const expected = Array(network.channels).fill(latent_channels + 1)
  if (network.preview && sizes.join() !== expected.join())
    throw new UserError(
      `${file}: ${at}preview must hold ${network.channels} rows of ${latent_channels + 1} numbers, not of ${sizes.join(', ')}`,
    )
  if (factorOf(network) > 64)
    throw new UserError(`${file}: a factor of ${factorOf(network)} is too large, at most 64`)
}
