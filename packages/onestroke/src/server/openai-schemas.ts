/** Requests and answers in the form of OpenAI's images API, as its clients send and read them. */
import { z } from 'zod'
import { prompt, sampling, seed, strength, toldSeed, warnings } from './schemas.js'

/** Fields that clients send, and that change nothing here. */
const ignored = z.string().nullish().describe('Taken as clients send it; it changes nothing.')
const IGNORED = {
  model: z.string().nullish().describe('There is one model; the name is not looked at.'),
  quality: ignored,
  style: ignored,
  moderation: ignored,
  input_fidelity: ignored,
  user: ignored,
}

const shared = {
  n: z.int().min(1).max(10).nullish().describe('Pictures.'),
  size: z
    .string()
    .regex(/^(auto|\d{1,5}x\d{1,5})$/, 'expected auto, or WIDTHxHEIGHT, such as 512x512')
    .nullish()
    .describe(
      'auto, which is the model’s own size, or WIDTHxHEIGHT: pictures are enlarged to cover it, and cropped to their middle.',
    ),
  response_format: z.enum(['b64_json', 'url']).nullish().describe('url gives a data: address.'),
  output_format: z.enum(['png', 'jpeg', 'webp']).nullish(),
  output_compression: z
    .int()
    .min(0)
    .max(100)
    .nullish()
    .describe('The quality of JPEG and WebP. Default: 100; WebP is then without loss.'),
  background: z
    .enum(['auto', 'opaque', 'transparent'])
    .nullish()
    .describe('Models paint opaque pictures: transparent is refused.'),
  stream: z.boolean().nullish().describe('Answers with events, as they come.'),
  partial_images: z
    .int()
    .min(0)
    .max(3)
    .nullish()
    .describe('With stream and one picture: so many states before the last, as far as there are steps.'),
  seed: seed.nullish().describe('-1 or random, the default, draws one, which the answer tells.'),
  ...sampling,
  ...IGNORED,
}

export const generationRequest = z.looseObject({ prompt, ...shared })

const file = z
  .instanceof(Uint8Array, { error: 'expected a file: a PNG, JPEG or WebP' })
  .meta({ type: 'string', format: 'binary' })

const edited = {
  image: file.describe('PNG, JPEG or WebP, of at most 4 megapixels: one picture.'),
  ...shared,
  strength,
}
export const editForm = z.looseObject({
  prompt,
  mask: file
    .optional()
    .describe(
      'What is transparent in it is painted anew; in a mask without holes, what is white. Default: the holes of the image, if it has any; else all is painted anew.',
    ),
  ...edited,
})
export const variationForm = z.looseObject(edited)
export type ImagesBody = z.infer<typeof generationRequest> & Partial<z.infer<typeof editForm>>

export const imagesAnswer = z.object({
  created: z.int(),
  data: z.array(z.object({ b64_json: z.string().optional(), url: z.string().optional(), seed: toldSeed })),
  background: z.literal('opaque'),
  output_format: z.enum(['png', 'jpeg', 'webp']),
  size: z.string(),
  warnings,
})
export const modelAnswer = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
})
export const modelsAnswer = z.object({ object: z.literal('list'), data: z.array(modelAnswer) })
