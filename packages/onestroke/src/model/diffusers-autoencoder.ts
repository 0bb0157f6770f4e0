/** Autoencoders of diffusers, in our words: configs (`autoencoder_kl.py`, `autoencoder_tiny.py`), names of files and of weights. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type AutoencoderConfig, autoencoderConfig, klConfig, tinyConfig } from '@onestroke/core/autoencoder'
import { UserError } from '@onestroke/core/errors'
import { checkAutoencoder } from '@onestroke/core/formats'
import { z } from 'zod'
import { CONFIG_FILE } from '../run-files.js'

/** A whole pipeline has this file, and its autoencoder in a folder of its own. */
export const PIPELINE_FILE = 'model_index.json'
const PIPELINE_FOLDER = 'vae'
/** Weights as they are saved, and in half the bytes. The first that is there is taken. */
const WEIGHTS_FILES = ['diffusion_pytorch_model.safetensors', 'diffusion_pytorch_model.fp16.safetensors']
const PICKLES = ['diffusion_pytorch_model.bin', 'diffusion_pytorch_model.fp16.bin']

/** Keys and defaults are those of the classes. */
const { channels, latent_channels, act_fn } = klConfig.shape
const blocks = klConfig.shape.layers_per_block
const width = tinyConfig.shape.encoder_width
const activation = z.preprocess((name) => (name === 'swish' ? 'silu' : name), act_fn)
const perLevel = <Item extends z.ZodType>(item: Item) => z.array(item).min(1).max(8)
const perChannel = z.array(z.number()).nullish()
const shared = {
  in_channels: channels.default(3),
  out_channels: channels.default(3),
  latent_channels: latent_channels.default(4),
  shift_factor: z.number().nullish(),
  latents_mean: perChannel,
  latents_std: perChannel,
  /** Whether float16 is too narrow for it: all is float32 here. */
  force_upcast: z.boolean().nullish(),
}

const klSchema = z.strictObject({
  ...shared,
  down_block_types: perLevel(z.literal('DownEncoderBlock2D')).default(['DownEncoderBlock2D']),
  up_block_types: perLevel(z.literal('UpDecoderBlock2D')).default(['UpDecoderBlock2D']),
  block_out_channels: klConfig.shape.block_out_channels.default([64]),
  layers_per_block: blocks.default(1),
  act_fn: activation.default('silu'),
  norm_num_groups: klConfig.shape.norm_num_groups.default(32),
  scaling_factor: z.number().positive().default(0.18215),
  use_quant_conv: z.boolean().default(true),
  use_post_quant_conv: z.boolean().default(true),
  mid_block_add_attention: z.boolean().default(true),
  /** For tiles alone. */
  sample_size: z.unknown().optional(),
})

const tinySchema = z.strictObject({
  ...shared,
  encoder_block_out_channels: perLevel(width).default([64, 64, 64, 64]),
  decoder_block_out_channels: perLevel(width).default([64, 64, 64, 64]),
  num_encoder_blocks: perLevel(blocks).default([1, 3, 3, 3]),
  num_decoder_blocks: perLevel(blocks).default([3, 3, 3, 1]),
  act_fn: activation.default('relu'),
  upsample_fn: z.literal('nearest').default('nearest'),
  upsampling_scaling_factor: z.literal(2).default(2),
  scaling_factor: z.number().positive().default(1),
  /** How latents become the bytes of a picture, which neither encodes nor decodes. */
  latent_magnitude: z.unknown().optional(),
  latent_shift: z.unknown().optional(),
  /** A copy of `decoder_block_out_channels`. */
  block_out_channels: z.unknown().optional(),
})

/** Raises an error in the one style that all here have. */
type Refuse = (key: string, expected: string, found: unknown) => never

const klNetwork = (json: object, file: string, refuse: Refuse): AutoencoderConfig => {
  const config = checked(klSchema, json, file, refuse)
  const levels = config.block_out_channels.length
  for (const key of ['down_block_types', 'up_block_types'] as const)
    if (config[key].length !== levels)
      refuse(key, `${levels} of them, as many as block_out_channels`, config[key])
  return {
    type: 'kl',
    channels: sameChannels(config, refuse),
    latent_channels: config.latent_channels,
    block_out_channels: config.block_out_channels,
    layers_per_block: config.layers_per_block,
    norm_num_groups: config.norm_num_groups,
    act_fn: config.act_fn,
    use_quant_conv: config.use_quant_conv,
    use_post_quant_conv: config.use_post_quant_conv,
    mid_block_add_attention: config.mid_block_add_attention,
    ...latentsOf(config, refuse),
  }
}

const tinyNetwork = (json: object, file: string, refuse: Refuse): AutoencoderConfig => {
  const config = checked(tinySchema, json, file, refuse)
  const { num_encoder_blocks, num_decoder_blocks } = config
  const levels = num_encoder_blocks.length
  const counts = ['num_decoder_blocks', 'encoder_block_out_channels', 'decoder_block_out_channels'] as const
  for (const key of counts)
    if (config[key].length !== levels)
      refuse(key, `${levels} numbers, as many as num_encoder_blocks`, config[key])
  const oneWidth = (key: 'encoder_block_out_channels' | 'decoder_block_out_channels') => {
    const [first, ...others] = config[key]
    return others.every((width) => width === first) ? first! : refuse(key, 'the same number', config[key])
  }
  return {
    type: 'tiny',
    channels: sameChannels(config, refuse),
    latent_channels: config.latent_channels,
    encoder_width: oneWidth('encoder_block_out_channels'),
    decoder_width: oneWidth('decoder_block_out_channels'),
    levels: num_encoder_blocks.map((encoder, i) => ({ encoder, decoder: num_decoder_blocks.at(-1 - i)! })),
    act_fn: config.act_fn,
    ...latentsOf(config, refuse),
  }
}

/** The classes of diffusers that are read here. */
const CLASSES: Readonly<Record<string, typeof klNetwork>> = {
  AutoencoderKL: klNetwork,
  AutoencoderTiny: tinyNetwork,
}

const classOf = (json: unknown): unknown => (json as { _class_name?: unknown } | null)?._class_name

/** Whether a parsed config.json is of diffusers, whatever its class. */
export const isOfDiffusers = (json: unknown): boolean => typeof classOf(json) === 'string'

/** Whether it is of an autoencoder that is read here. */
export const isDiffusersAutoencoder = (json: unknown): boolean =>
  Object.keys(CLASSES).some((name) => name === classOf(json))

/** What a config.json of diffusers says. */
export interface DiffusersAutoencoder {
  readonly class_name: string
  /** The version of diffusers that wrote the file, where it tells. */
  readonly version?: string
  readonly network: AutoencoderConfig
}

/**
 * Reads a parsed config.json of diffusers. Its latents have mean `shift_factor` and deviation 1 / `scaling_factor`, or what
 * `latents_mean` and `latents_std` say.
 *
 * @throws UserError naming file, key, expected and found: for another class, an unknown key, and all that is not done here.
 */
export const diffusersAutoencoder = (json: unknown, file: string): DiffusersAutoencoder => {
  const refuse: Refuse = (key, expected, found) => {
    throw new UserError(`${file}: ${key}: expected ${expected}, found ${JSON.stringify(found)}`)
  }
  const class_name = String(classOf(json))
  if (!isDiffusersAutoencoder(json)) refuse('_class_name', Object.keys(CLASSES).join(' or '), classOf(json))
  const entries = Object.entries(json as object)
  const version = entries.find(([key]) => key === '_diffusers_version')?.[1]
  // Keys with such a beginning are notes of diffusers to itself.
  const own = Object.fromEntries(entries.filter(([key]) => !key.startsWith('_')))
  const network = checked(autoencoderConfig, CLASSES[class_name]!(own, file, refuse), file, refuse)
  checkAutoencoder(network, file)
  return { class_name, version: typeof version === 'string' ? version : undefined, network }
}

const checked = <T>(schema: z.ZodType<T>, json: object, file: string, refuse: Refuse): T => {
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const [issue] = result.error.issues
  if (issue!.code === 'unrecognized_keys')
    throw new UserError(`${file}: the key ${issue!.keys[0]} is unknown`, {
      remedy: 'if the autoencoder does without it, remove it',
    })
  const found = issue!.path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown>)?.[key],
    json,
  )
  const expected = issue!.message.replace(/^[\w ]*: /, '').replace(/^expected /, '')
  return refuse(issue!.path.join('.'), expected.replace(/, received .*$/, ''), found)
}

const sameChannels = (
  { in_channels, out_channels }: { in_channels: number; out_channels: number },
  refuse: Refuse,
): number =>
  in_channels === out_channels
    ? in_channels
    : refuse('out_channels', `${in_channels}, as many as in_channels`, out_channels)

interface Scales {
  readonly latent_channels: number
  readonly scaling_factor: number
  readonly shift_factor?: number | null
  readonly latents_mean?: number[] | null
  readonly latents_std?: number[] | null
}

/** Mean and deviation of raw latents, such that (latents − shift_factor) · scaling_factor has mean 0 and deviation 1. */
const latentsOf = (
  { latent_channels, scaling_factor, shift_factor, latents_mean, latents_std }: Scales,
  refuse: Refuse,
): Pick<AutoencoderConfig, 'latents_mean' | 'latents_std'> => {
  if (latents_mean && latents_std) return { latents_mean, latents_std }
  if (latents_mean || latents_std) {
    const [missing, given] = latents_mean ? ['latents_std', 'latents_mean'] : ['latents_mean', 'latents_std']
    refuse(missing!, `${latent_channels} numbers, since there is ${given}`, null)
  }
  return {
    latents_mean: Array<number>(latent_channels).fill(shift_factor ?? 0),
    latents_std: Array<number>(latent_channels).fill(1 / scaling_factor),
  }
}

/** The folder that holds the autoencoder of a folder: itself, or, of a pipeline, the one inside. */
export const autoencoderFolder = (path: string): string => {
  const inside = join(path, PIPELINE_FOLDER)
  return !existsSync(join(path, CONFIG_FILE)) && existsSync(join(inside, CONFIG_FILE)) ? inside : path
}

/**
 * The file of weights in a folder of diffusers.
 *
 * @throws UserError if there is none, or only one that may run code when it is opened.
 */
export const diffusersWeights = (path: string, class_name: string): string => {
  const there = (names: readonly string[]) =>
    names.map((name) => join(path, name)).find((file) => existsSync(file))
  const file = there(WEIGHTS_FILES)
  if (file) return file
  const pickle = there(PICKLES)
  if (pickle)
    throw new UserError(
      `${pickle} is a pickle, which may run code when it is opened; expected ${WEIGHTS_FILES[0]}`,
      { remedy: `in Python, ${class_name}.from_pretrained("${path}").save_pretrained("${path}") writes it` },
    )
  throw new UserError(`there is no ${WEIGHTS_FILES[0]} in ${path}`, { remedy: 'copy the folder again' })
}

/** What layers of attention were called before diffusers 0.15. */
const FORMERLY = { 'to_out.0': 'proj_attn', to_q: 'query', to_k: 'key', to_v: 'value' } as const

/** What one of our weights may be called in a file of diffusers, today's name first. */
export const diffusersNames = (name: string): readonly string[] => {
  const today = name.replace(/^(encoder|decoder)\.((post_)?quant_conv\.)/, '$2')
  const former = Object.entries(FORMERLY).flatMap(([layer, was]) =>
    today.includes(`.attentions.0.${layer}.`) ? [today.replace(`.${layer}.`, `.${was}.`)] : [],
  )
  return [today, ...former]
}
