/** The API of AUTOMATIC1111's web UI, for the tools that speak only that. */

import { SOLVER_NAMES, SOLVERS, type SolverName } from '@onestroke/core/diffusion'
import { UserError } from '@onestroke/core/errors'
import { type PictureSize, scaledBy } from '@onestroke/core/picture'
import { drawSeed, shapeOf, takesGuidance } from '@onestroke/core/pipeline'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { checkPixels, MOST_SIDE } from './answers.js'
import { maskOf } from './masks.js'
import {
  type Asked,
  enlargementFor,
  paint,
  signalOf,
  tellWarnings,
  unknownFields,
  warningsOf,
} from './paint.js'
import {
  MOST_PICTURES,
  MOST_STEPS,
  PICTURES_LIMIT,
  PROBLEMS,
  picture,
  prompt,
  seed,
  warnings,
} from './schemas.js'
import type { App, ServedModel, Service } from './service.js'

const nothing = z.unknown().optional().describe('Taken as tools send it; it changes nothing.')
/** The side of a picture for which none is asked. */
const USUAL_SIDE = 512
const side = z.int().min(1).max(MOST_SIDE).nullish()
const textFields = {
  prompt: prompt.default(''),
  negative_prompt: prompt.nullish(),
  seed: seed.nullish().describe('-1 or random, the default, draws one, which the answer tells.'),
  steps: z.int().min(1).max(MOST_STEPS).nullish().describe('Default: what the model recommends.'),
  cfg_scale: z.number().min(0).max(100).nullish().describe('Brought into the range that the model takes.'),
  sampler_name: z
    .string()
    .nullish()
    .describe('One of /sdapi/v1/samplers; others give way to the model’s own.'),
  sampler_index: z.string().nullish(),
  width: side.describe(
    `Pictures are enlarged to cover width and height, and cropped to their middle. Default: ${USUAL_SIDE} or, without a height either, the model’s proportions with a longer side of ${USUAL_SIDE}.`,
  ),
  height: side.describe('As the width.'),
  batch_size: z.int().min(1).max(MOST_PICTURES).default(1),
  n_iter: z.int().min(1).max(MOST_PICTURES).default(1).describe('Pictures: n_iter × batch_size.'),
  send_images: nothing,
  save_images: nothing,
  override_settings: nothing,
  override_settings_restore_afterwards: nothing,
  scheduler: nothing,
}
const textRequest = z.looseObject(textFields)
const imageRequest = z.looseObject({
  ...textFields,
  init_images: z
    .array(picture)
    .length(1)
    .describe('One picture, in base64 or as a data: address; it is cropped and scaled to the model’s size.'),
  mask: picture
    .nullish()
    .describe('What is opaque is painted, if anything in it is transparent; else what is white.'),
  inpainting_mask_invert: z
    .union([z.boolean(), z.int().min(0).max(1)])
    .nullish()
    .describe('1: all but that is painted.'),
  mask_blur: z
    .number()
    .min(0)
    .max(256)
    .nullish()
    .describe('How far the mask’s edges are blurred, in pixels of width and height. Default: 0.'),
  inpainting_fill: z
    .int()
    .min(0)
    .max(3)
    .nullish()
    .describe(
      'What the masked part begins from. 1, the picture itself, is taken; others only where they change nothing: without a mask, or at a denoising_strength of 1.',
    ),
  denoising_strength: z.number().min(0).max(1).nullish().describe('Default: 0.75.'),
  resize_mode: nothing,
  inpaint_full_res: nothing,
  inpaint_full_res_padding: nothing,
  initial_noise_multiplier: nothing,
  include_init_images: nothing,
})

/** The `inpainting_fill` that begins from the picture. */
const ORIGINAL = 1

type TextBody = z.infer<typeof textRequest>

const answerSchema = z.object({
  images: z.array(z.string()).describe('PNG in base64.'),
  parameters: z.looseObject({}),
  info: z.string().describe('JSON: seeds and settings.'),
  warnings,
})

/** Solvers by the names that tools know. */
const SAMPLERS: ReadonlyMap<string, SolverName> = new Map(
  SOLVER_NAMES.map((name) => [SOLVERS[name].tool_name, name]),
)
const CONSISTENCY = 'consistency'

const samplersOf = ({ config }: ServedModel): readonly string[] =>
  config.kind === 'student' ? [CONSISTENCY] : [...SAMPLERS.keys()]

export const automatic1111Routes =
  (service: Service) =>
  async (server: unknown): Promise<void> => {
    const app = server as App
    const { model } = service
    const tags = ['AUTOMATIC1111']
    const response = { 200: answerSchema, ...PROBLEMS }
    app.post(
      '/sdapi/v1/txt2img',
      {
        schema: {
          operationId: 'txt2img',
          summary: 'Paint, as AUTOMATIC1111’s web UI is asked.',
          tags,
          body: textRequest,
          response,
        },
      },
      ({ body }, reply) => answer(service, reply, body, textRequest.shape, {}),
    )
    app.post(
      '/sdapi/v1/img2img',
      {
        bodyLimit: PICTURES_LIMIT,
        schema: {
          operationId: 'img2img',
          summary: 'Paint a picture again, as AUTOMATIC1111’s web UI is asked.',
          tags,
          body: imageRequest,
          response,
        },
      },
      async ({ body }, reply) => {
        const { init_images, mask, denoising_strength, ...rest } = body
        const { inpainting_mask_invert, mask_blur, inpainting_fill } = rest
        const strength = denoising_strength ?? 0.75
        if (mask && strength < 1 && (inpainting_fill ?? ORIGINAL) !== ORIGINAL)
          throw new UserError(
            `inpainting_fill: the masked part begins from the picture itself, which is ${ORIGINAL}; send that, or a denoising_strength of 1, and not ${inpainting_fill}`,
          )
        const meaning = {
          invert: Boolean(inpainting_mask_invert),
          blur: mask_blur ?? 0,
          size: sizeFor(body, shapeOf(service.model.config)),
        }
        return answer(service, reply, rest, imageRequest.shape, {
          image: init_images[0]!,
          strength,
          ...(mask && { mask: await maskOf(mask, meaning) }),
        })
      },
    )
    const samplers = z.array(
      z.object({ name: z.string(), aliases: z.array(z.string()), options: z.looseObject({}) }),
    )
    app.get(
      '/sdapi/v1/samplers',
      {
        schema: {
          operationId: 'samplers',
          summary: 'The samplers that the model takes.',
          tags,
          response: { 200: samplers, ...PROBLEMS },
        },
      },
      async () => samplersOf(model).map((name) => ({ name, aliases: [], options: {} })),
    )
    const models = z.array(
      z.object({
        title: z.string(),
        model_name: z.string(),
        hash: z.null(),
        sha256: z.null(),
        filename: z.string(),
        config: z.null(),
      }),
    )
    const { name } = model
    app.get(
      '/sdapi/v1/sd-models',
      {
        schema: {
          operationId: 'sdModels',
          summary: 'The one model, in a list.',
          tags,
          response: { 200: models, ...PROBLEMS },
        },
      },
      async () => [{ title: name, model_name: name, hash: null, sha256: null, filename: name, config: null }],
    )
    const options = z.looseObject({ sd_model_checkpoint: z.string() })
    app.get(
      '/sdapi/v1/options',
      {
        schema: {
          operationId: 'options',
          summary: 'Settings: which model paints.',
          tags,
          response: { 200: options, ...PROBLEMS },
        },
      },
      async () => ({ sd_model_checkpoint: name, samples_format: 'png' }),
    )
    app.post(
      '/sdapi/v1/options',
      {
        schema: {
          operationId: 'setOptions',
          summary: 'Tools choose a model with it: the one that is there.',
          tags,
          body: z.looseObject({ sd_model_checkpoint: z.string().optional() }),
          response: { 200: z.null(), ...PROBLEMS },
        },
      },
      async ({ body }) => {
        const other = body.sd_model_checkpoint
        if (other !== undefined && other !== name)
          throw new UserError(`sd_model_checkpoint: there is no model ${other}; there is ${name}`)
        return null
      },
    )
  }

/** The settings of a request that the model takes, and notes about the others: tools send a guidance of 7 and their own samplers unasked. */
const settingsFor = (
  model: ServedModel,
  { cfg_scale, negative_prompt, sampler_name, sampler_index, steps }: TextBody,
): { settings: Pick<Asked, 'guidance_scale' | 'negative_prompt' | 'solver' | 'steps'>; notes: string[] } => {
  const { kind, sampling } = model.config
  const notes: string[] = []
  const guided = takesGuidance(model.config)
  const [least, most] = guided ? (sampling.guidance_range ?? [0, 100]) : [1, 1]
  const asked = cfg_scale ?? sampling.guidance_scale
  const guidance_scale = Math.min(Math.max(asked, least), most)
  if (guidance_scale !== asked)
    notes.push(
      `cfg_scale: this model takes ${guided ? `${least} to ${most}` : 'no guidance'}; ${guidance_scale} was taken`,
    )
  if (negative_prompt && !guided) notes.push('negative_prompt: this model takes none; it was left out')
  const sampler = sampler_name ?? sampler_index
  if (typeof sampler === 'string' && !samplersOf(model).includes(sampler))
    notes.push(`sampler_name: this model has ${samplersOf(model).join(', ')}; its own was taken`)
  const solver = kind === 'teacher' ? SAMPLERS.get(String(sampler)) : undefined
  return {
    settings: {
      guidance_scale,
      ...(negative_prompt && guided && { negative_prompt }),
      solver,
      steps: typeof steps === 'number' ? steps : undefined,
    },
    notes,
  }
}

/** The size that is asked for. */
const sizeFor = ({ width, height }: Pick<TextBody, 'width' | 'height'>, own: PictureSize): PictureSize => {
  if (typeof width === 'number' || typeof height === 'number')
    return { height: height ?? USUAL_SIDE, width: width ?? USUAL_SIDE }
  return scaledBy(own, USUAL_SIDE / Math.max(own.height, own.width))
}

const answer = async (
  service: Service,
  reply: FastifyReply,
  body: TextBody,
  known: object,
  edit: Pick<Asked, 'image' | 'mask' | 'strength'>,
): Promise<z.infer<typeof answerSchema>> => {
  const { model, encoder } = service
  const { batch_size, n_iter } = body
  const n = batch_size * n_iter
  if (n > MOST_PICTURES)
    throw new UserError(`n_iter × batch_size are ${n} pictures, and a request has at most ${MOST_PICTURES}`)
  const wanted = sizeFor(body, shapeOf(model.config))
  checkPixels(n, wanted)
  const { settings, notes } = settingsFor(model, body)
  const seed = body.seed ?? drawSeed()
  const asked: Asked = { prompt: body.prompt, n, seed, ...settings, ...edit }
  const warnings = [...warningsOf(model, asked), ...notes, ...unknownFields(body, known)]
  tellWarnings(reply, warnings)
  const signal = signalOf(reply, service)
  const { scale, size } = enlargementFor(wanted, shapeOf(model.config))
  const { seeds, painted } = await paint(service, asked, { signal, scale })
  const images = await encoder.each(painted, signal, { format: 'png', size })
  const parameters = {
    prompt: body.prompt,
    negative_prompt: settings.negative_prompt ?? '',
    seed,
    width: wanted.width,
    height: wanted.height,
    batch_size,
    n_iter,
    cfg_scale: settings.guidance_scale,
  }
  const info = {
    ...parameters,
    all_prompts: seeds.map(() => body.prompt),
    all_seeds: seeds,
    sd_model_name: service.model.name,
    warnings,
  }
  return { images, parameters, info: JSON.stringify(info), ...(warnings.length > 0 && { warnings }) }
}
