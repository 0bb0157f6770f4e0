/** What requests and answers look like: checked on the way in, and told in the OpenAPI document. */
import { SAMPLER_NAMES, SOLVER_NAMES } from '@onestroke/core/diffusion'
import { DEFAULT_STRENGTH, MOST_SEED, readSeed, SEED_RULE } from '@onestroke/core/pipeline'
import { z } from 'zod'

/** Most pictures of one request, and most steps. */
export const MOST_PICTURES = 64
export const MOST_STEPS = 128
/** Most characters of a prompt, as OpenAI takes them. Models read the first words. */
const MOST_CHARACTERS = 32_000
/** Bytes of a picture: as many as 4 megapixels of noise have in PNG, and some more. */
export const MOST_PICTURE_BYTES = 17 * 2 ** 20

/** Pictures that are read. A few kilobytes can hold a very large one: 2048×2048 pixels are 4.2 million. */
export const PICTURES = { megapixels: 4.2, formats: ['png', 'jpeg', 'webp'] } as const

/** Bytes of a request with a picture and a mask, in base64. */
export const PICTURES_LIMIT = Math.ceil((2 * MOST_PICTURE_BYTES * 4) / 3) + 2 ** 20

export const prompt = z
  .string()
  .max(MOST_CHARACTERS)
  .describe('What to paint, or the name of a class; empty: no condition.')
const notSeed = `expected ${SEED_RULE}`
/** A seed in a request. Parsed, it is a number. */
export const seed = z
  .union([z.int(notSeed).min(-1, notSeed).max(MOST_SEED, notSeed), z.literal('random')], notSeed)
  .transform((written) => readSeed(String(written))!)
/** Told in answers. */
export const toldSeed = z.int().min(0).max(MOST_SEED).describe('The seed that it was painted with.')

/** What stands before the base64 of a `data:` address. */
const DATA_ADDRESS = /^data:[^,]{0,200};base64,/i
const isBase64 = (text: string): boolean => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)
const isAddress = (text: string): boolean => /^https?:/i.test(text)

/** A picture in base64, as bytes. */
export const picture = z
  .string()
  .max(
    Math.ceil(MOST_PICTURE_BYTES / 3) * 4 + 256,
    'the picture is too large: at most 17 MiB are taken; scale it down',
  )
  .refine((text) => !isAddress(text), 'pictures are not fetched: send the picture itself, in base64')
  .refine(
    (text) => isAddress(text) || isBase64(text.replace(DATA_ADDRESS, '')),
    'expected a picture in base64, or a data: address with one',
  )
  .transform((text): Uint8Array => Buffer.from(text.replace(DATA_ADDRESS, ''), 'base64'))

export const warnings = z
  .array(z.string())
  .optional()
  .describe(
    'What of the request could not be done as it was asked, such as words that the model does not know.',
  )

export const sampling = {
  steps: z
    .int()
    .min(1)
    .max(MOST_STEPS)
    .optional()
    .describe('Default: what the model recommends; students that edit an image take 4 or more.'),
  guidance_scale: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe(
      'w in D_u + w(D_c − D_u): 1 is none. Students take it if they were distilled with a range of it.',
    ),
  negative_prompt: prompt.optional().describe('What guidance leads away from.'),
}

export const strength = z
  .number()
  .min(0)
  .max(1)
  .optional()
  .describe(
    `How much of the image is painted anew: 0 nothing, 1 all. Default: ${DEFAULT_STRENGTH}, or 1 with a mask.`,
  )

const how = {
  ...sampling,
  solver: z
    .enum(SAMPLER_NAMES)
    .optional()
    .describe(`For diffusion models: ${SOLVER_NAMES.join(', ')}.`),
  image: picture
    .optional()
    .describe(
      'A picture to paint again, in base64 or as a data: address: PNG, JPEG or WebP, of at most 4 megapixels; it is cropped and scaled to the model’s size, over white.',
    ),
  strength,
  mask: picture
    .optional()
    .describe(
      'A picture of what is painted: its holes, if anything in it is transparent; else what is white, and what is black stays.',
    ),
  to: z
    .strictObject({
      prompt: prompt.optional().describe('Default: the same.'),
      seed: seed.optional().describe('-1 or random draws one, which the answer tells. Default: the same.'),
      weight: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe(
          'How far pictures are on their way: 0 at prompt and seed, 1 there. Default: evenly from 0 to 1, all pictures from the one seed; a single picture needs it.',
        ),
    })
    .refine(({ prompt, seed }) => prompt !== undefined || seed !== undefined, 'a prompt or a seed is missing')
    .optional()
    .describe('Another prompt, seed or both, on the way to which pictures lie.'),
}

export const generateRequest = z.strictObject({
  prompt: prompt.default(''),
  n: z.int().min(1).max(MOST_PICTURES).default(1).describe('Pictures, of seeds seed, seed + 1, …'),
  seed: seed.optional().describe('-1 or random, the default, draws one, which the answer tells.'),
  ...how,
  format: z
    .enum(['png', 'webp', 'json'])
    .default('png')
    .describe('png and webp: one picture, or a grid of several. json: every picture as PNG in base64.'),
  scale: z
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe('Enlarges each pixel so many times. A picture has at most 4 megapixels, and an answer 10.'),
})
export type GenerateBody = z.infer<typeof generateRequest>

export const generateAnswer = z.object({
  images: z.array(z.object({ seed: toldSeed, b64: z.base64() })),
  to_seed: toldSeed.optional().describe('The seed that they lead to, where one was asked for.'),
  width: z.int(),
  height: z.int(),
  milliseconds: z.number(),
  warnings,
})

const problem = z.object({ error: z.object({ message: z.string(), type: z.string() }) })
/** What any route may answer instead. */
export const PROBLEMS = Object.fromEntries(
  [400, 401, 403, 404, 405, 413, 415, 421, 429, 500, 503].map((status) => [status, problem]),
) as Record<400 | 404 | 503, typeof problem>

/** A message on the live socket; a later one takes the place of an earlier one that is still waiting. */
export const liveRequest = z.strictObject({
  id: z.number(),
  prompt: prompt.default(''),
  seed: seed.default(0),
  ...how,
})
export type LiveMessage = z.infer<typeof liveRequest>
