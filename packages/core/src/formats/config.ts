import { z } from 'zod'
import {
  EDM,
  type Parametrization,
  PREDICTION_NAMES,
  pathSchema,
  SAMPLER_NAMES,
  SCHEDULE_NAMES,
} from '../diffusion/index.js'
import { UserError } from '../errors/index.js'
import { networkConfig, type StoredNetwork, storedNetwork, storedPromptShape } from '../nn/index.js'
import { PIXELS, type Space, spaceSchema } from '../space/index.js'
import { conditionerOf, vocabularySchema } from '../text/index.js'

/** No pictures have noise beyond this. */
const sigma = z.number().positive().max(1_000_000)
const sigmas = z.array(sigma).min(1)

/** The pictures that a model learned from. */
export const dataProvenance = z.strictObject({
  name: z.string(),
  sha256: z.string(),
  images: z.int().positive(),
  /** What the pictures are under, where their source says so: SPDX identifiers. */
  license: z.string().optional(),
})

/** How something was trained here. */
export const trainingProvenance = z.strictObject({
  data: dataProvenance,
  /** Pictures, or crops of them, that it learned from, repeats counted. */
  images_seen: z.int().nonnegative(),
  seconds: z.number().nonnegative(),
  seed: z.int().nonnegative(),
  preset: z.string(),
  versions: z.record(z.string(), z.string()),
})

/** `config.json` of a model folder: what the model is, how to use it, and where it comes from. */
export const modelConfigSchema = z.strictObject({
  format: z.literal('onestroke/1'),
  kind: z.enum(['teacher', 'student']),
  network: networkConfig,
  /** Short for `prediction` edm on the `path` ve: `edm` without `boundary`, `consistency` with it. */
  parametrization: z.enum(['edm', 'consistency']).optional(),
  /** How the network becomes a denoiser, where `parametrization` does not say: see `Parametrization`. */
  prediction: z.enum(PREDICTION_NAMES).optional(),
  path: pathSchema.optional(),
  boundary: z.boolean().optional(),
  sigma_min: sigma,
  sigma_max: sigma,
  /** Standard deviation of the values of points: of the pictures' in [-1, 1], where these are the points. */
  sigma_data: sigma,
  /** In what the denoiser works. */
  space: spaceSchema.default(PIXELS),
  vocabulary: vocabularySchema,
  /** How it is best sampled. A student: noise levels by number of steps. A teacher: a solver, its schedule and steps. */
  sampling: z.strictObject({
    solver: z.enum(SAMPLER_NAMES),
    schedule: z.enum(SCHEDULE_NAMES),
    num_inference_steps: z.int().positive().max(10_000),
    guidance_scale: z.number().nonnegative(),
    /** Students that take a guidance scale as an input: the least and the most that they learned. */
    guidance_range: z.tuple([z.number().nonnegative(), z.number().nonnegative()]).optional(),
    /** Students: how much of each further step is fresh noise; see `multistep`. */
    gamma: z.number().min(0).max(1).default(1),
    sigmas: z.record(z.string().regex(/^[1-9]\d*$/), sigmas),
  }),
  /** What shows the model at its best before anyone has asked: a prompt (a class; '' for a model without words) and a seed. */
  example: z.strictObject({ prompt: z.string(), seed: z.int().min(0).max(0xffffffff) }).optional(),
  /** The objective it was trained with, and its options. */
  method: z.strictObject({ name: z.string(), options: z.record(z.string(), z.unknown()) }),
  provenance: z.strictObject({
    /** sha256 of the weights it was distilled from. */
    parent: z.string().optional(),
    /** sha256 of the weights it began with, where these were neither fresh nor the parent's. */
    init_from: z.string().optional(),
    ...trainingProvenance.shape,
  }),
  /** sha256 of `model.safetensors`. Folders of earlier versions have none. */
  weights_sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
})

/** A config as it was read, whose network has its form in memory already. */
type ReadConfig = z.infer<typeof modelConfigSchema>
type StoredConfig = z.input<typeof modelConfigSchema>

/** A model's config in memory, where what the network predicts has one form alone. */
export type ModelConfig = Omit<ReadConfig, 'parametrization' | keyof Parametrization> & Parametrization

/**
 * Checks a parsed config.json.
 *
 * @throws UserError that names the file, the key, what was expected and what was found.
 */
export const parseModelConfig = (json: unknown, file: string): ModelConfig => {
  const stored = checkedConfig(modelConfigSchema, json, file, 'onestroke model config')
  const { parametrization, prediction, path, boundary, ...rest } = stored
  const words = { prediction, path, boundary }
  const given = Object.entries(words).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  if (parametrization === undefined && given.length < 3)
    throw new UserError(
      `${file} does not say what its network predicts: it needs parametrization, or prediction, path and boundary`,
    )
  if (parametrization !== undefined && given.length > 0)
    throw new UserError(
      `${file}: parametrization ${parametrization} says all that prediction, path and boundary do; leave out ${given.join(', ')}`,
    )
  return {
    ...rest,
    prediction: prediction ?? EDM.prediction,
    path: path ?? EDM.path,
    boundary: boundary ?? parametrization === 'consistency',
  }
}

/** The config as `config.json` holds it, the inverse of `parseModelConfig`: with the one short word where that says all, as files have had it from the first. */
export const storedConfig = (config: ModelConfig): StoredConfig => {
  const { format, kind, network, prediction, path, boundary, space, ...others } = config
  const first = { format, kind, network: storedNetwork(network) }
  const rest = { ...others, space: storedSpace(space) }
  if (prediction === EDM.prediction && path.kind === EDM.path.kind)
    return { ...first, parametrization: boundary ? 'consistency' : 'edm', ...rest }
  return { ...first, prediction, path, boundary, ...rest }
}

/** A space as files hold it: not at all where points are the pictures themselves, as in all files that there were first. */
export const storedSpace = (space: Space): Space | undefined =>
  space.kind === PIXELS.kind ? undefined : space

/** What has a network, such as a manifest, with the network as files hold it. */
export const withStoredNetwork = <Config extends Pick<ModelConfig, 'network'>>(
  config: Config,
): Omit<Config, 'network'> & { readonly network: StoredNetwork } => ({
  ...config,
  network: storedNetwork(config.network),
})

type Checked = Pick<
  ModelConfig,
  'kind' | 'network' | 'sigma_min' | 'sigma_max' | 'vocabulary' | 'sampling' | 'example'
>

/**
 * A parsed file that describes a model, if it is as its schema says, and agrees with itself.
 *
 * @param what it should be.
 * @throws UserError that names the file, the key, what was expected and what was found.
 */
export const checkedConfig = <Config extends Checked>(
  schema: z.ZodType<Config>,
  json: unknown,
  file: string,
  what: string,
): Config => {
  const result = schema.safeParse(json)
  if (!result.success) {
    const [issue] = result.error.issues
    const key = issue!.path.length > 0 ? ` at ${issue!.path.join('.')}` : ''
    throw new UserError(`${file} is not a ${what}: ${issue!.message}${key}`)
  }
  const config = result.data
  const { kind, network, sigma_min, sigma_max, vocabulary, sampling, example } = config
  if (sigma_min >= sigma_max)
    throw new UserError(`${file}: sigma_min ${sigma_min} must be below sigma_max ${sigma_max}`)
  if ((sampling.solver === 'consistency') !== (kind === 'student'))
    throw new UserError(`${file}: sampling.solver ${sampling.solver} is not for a ${kind}`)
  if (kind === 'student' && !network.embedding.guidance_embedding && sampling.guidance_scale !== 1)
    throw new UserError(
      `${file}: sampling.guidance_scale ${sampling.guidance_scale} must be 1, since the network takes none`,
    )
  for (const [steps, list] of Object.entries(sampling.sigmas)) {
    if (list.length !== Number(steps))
      throw new UserError(
        `${file}: sampling.sigmas.${steps} must hold ${steps} noise levels, not ${list.length}`,
      )
    const wrong = list.find(
      (sigma, i) => sigma < sigma_min || sigma > sigma_max || sigma >= (list[i - 1] ?? Infinity),
    )
    if (wrong !== undefined)
      throw new UserError(
        `${file}: sampling.sigmas.${steps} must fall, between ${sigma_max} and ${sigma_min}, and ${wrong} does not`,
      )
  }
  const { shape, classes } = conditionerOf(vocabulary)
  if (example && classes && !classes.includes(example.prompt))
    throw new UserError(
      `${file}: example.prompt ${JSON.stringify(example.prompt)} must be one of the classes ${classes.join(', ')}`,
    )
  // In the words of the file, key by key in one order.
  const [found, expected] = [network.embedding.condition, shape].map((one) =>
    JSON.stringify(storedPromptShape(one)),
  )
  if (found !== expected)
    throw new UserError(
      `${file}: network.embedding.condition ${found} does not fit the vocabulary, which makes ${expected}`,
    )
  return config
}
