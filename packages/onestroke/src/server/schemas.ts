/** What requests and answers look like: checked on the way in, and told in the OpenAPI document. */
import { MOST_SEED } from '@onestroke/core/pipeline'
import { z } from 'zod'

/** Most pictures of one request, and most steps. */
export const MOST_PICTURES = 64
export const MOST_STEPS = 128

const prompt = z.string().max(1000).describe('What to paint, or the name of a class; empty: no condition.')
const seed = z.int().min(0).max(MOST_SEED)

const how = {
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
  negative_prompt: z.string().max(1000).optional().describe('What guidance leads away from.'),
  solver: z
    .enum(['consistency', 'ddim', 'heun', 'dpmpp_2m'])
    .optional()
    .describe('For diffusion models: ddim, heun or dpmpp_2m.'),
  image: z
    .base64()
    .optional()
    .describe(
      'A picture to paint again: PNG, JPEG or WebP, of at most 4 megapixels; it is cropped and scaled to the model’s size, over white.',
    ),
  strength: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('How much of the image is painted anew: 0 nothing, 1 all. Default: 0.5, or 1 with a mask.'),
  mask: z
    .base64()
    .optional()
    .describe(
      'A picture of what is painted: where it is white, the image is painted anew; where black, it stays.',
    ),
  to: z
    .strictObject({
      prompt: prompt.optional().describe('Default: the same.'),
      seed: seed.optional().describe('Default: the same.'),
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
  seed: seed.optional().describe('Default: drawn, and told in the answer.'),
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
    .describe('Enlarges each pixel so many times. All pictures of an answer have at most 4 megapixels.'),
})
export type GenerateBody = z.infer<typeof generateRequest>

export const generateAnswer = z.object({
  images: z.array(z.object({ seed, b64: z.base64() })),
  width: z.int(),
  height: z.int(),
  milliseconds: z.number(),
})

/** A request in the form of OpenAI's images API. */
export const openaiRequest = z.object({
  prompt,
  n: z.int().min(1).max(10).nullish(),
  model: z.string().nullish().describe('There is one model; the name is not looked at.'),
  size: z
    .string()
    .regex(/^(auto|\d{1,4}x\d{1,4})$/)
    .nullish()
    .describe('WIDTHxHEIGHT, a square: pictures are enlarged by a whole factor, so that they fit into it.'),
  response_format: z.enum(['b64_json', 'url']).nullish().describe('url gives a data: address.'),
  seed: seed.nullish(),
  user: z.string().nullish(),
})
export type OpenaiBody = z.infer<typeof openaiRequest>

export const openaiAnswer = z.object({
  created: z.int(),
  data: z.array(z.object({ b64_json: z.string().optional(), url: z.string().optional() })),
})

export const problem = z.object({ error: z.object({ message: z.string(), type: z.string() }) })

/** A message on the live socket; a later one takes the place of an earlier one that is still waiting. */
export const liveRequest = z.strictObject({
  id: z.number(),
  prompt: prompt.default(''),
  seed: seed.default(0),
  ...how,
})
export type LiveMessage = z.infer<typeof liveRequest>
