/** OpenAI's images API, for the tools and clients that speak it. */

import { UserError } from '@onestroke/core/errors'
import { type PictureSize, readSize } from '@onestroke/core/picture'
import { shapeOf } from '@onestroke/core/pipeline'
import type { FastifyReply } from 'fastify'
import type { z } from 'zod'
import type { Encoding, ImageFormat } from '../formats/index.js'
import { checkPixels, MOST_SIDE, type Painted } from './answers.js'
import { eventStream, type ServerEvent } from './events.js'
import { takeForms } from './forms.js'
import { hasHoles } from './masks.js'
import {
  editForm,
  generationRequest,
  type ImagesBody,
  imagesAnswer,
  modelAnswer,
  modelsAnswer,
  variationForm,
} from './openai-schemas.js'
import {
  type Asked,
  enlargementFor,
  paint,
  signalOf,
  tellWarnings,
  unknownFields,
  warningsOf,
} from './paint.js'
import { FAILURE, problemBody, problemOf } from './problems.js'
import { PICTURES_LIMIT, PROBLEMS } from './schemas.js'
import type { App, Service } from './service.js'

/** What a request asks for, beside what is painted. */
interface Wanted {
  readonly size: PictureSize
  readonly scale: number
  readonly encoding: Encoding & { readonly format: Exclude<ImageFormat, 'avif'> }
  readonly partial_images: number
}

export const openaiRoutes =
  (service: Service) =>
  async (server: unknown): Promise<void> => {
    const app = server as App
    const response = { 200: imagesAnswer, ...PROBLEMS }
    app.post(
      '/v1/images/generations',
      {
        schema: {
          operationId: 'createImage',
          summary: 'Paint, as OpenAI’s images API is asked.',
          tags: ['OpenAI'],
          body: generationRequest,
          response,
        },
      },
      ({ body }, reply) =>
        answer(service, reply, { body, shape: generationRequest.shape, event: 'image_generation' }),
    )
    await app.register(async (scope) => {
      const forms = scope as unknown as App
      await takeForms(forms)
      const consumes = ['multipart/form-data']
      forms.post(
        '/v1/images/edits',
        {
          bodyLimit: PICTURES_LIMIT,
          schema: {
            operationId: 'createImageEdit',
            summary: 'Paint a picture again, or the holes of a mask, as OpenAI’s images API is asked.',
            tags: ['OpenAI'],
            consumes,
            body: editForm,
            response,
          },
        },
        async ({ body: sent }, reply) => {
          const body = sent.mask || !(await hasHoles(sent.image)) ? sent : { ...sent, mask: sent.image }
          return answer(service, reply, { body, shape: editForm.shape, event: 'image_edit' })
        },
      )
      forms.post(
        '/v1/images/variations',
        {
          bodyLimit: PICTURES_LIMIT,
          schema: {
            operationId: 'createImageVariation',
            summary: 'Paint pictures like one, without a prompt, as OpenAI’s images API is asked.',
            tags: ['OpenAI'],
            consumes,
            body: variationForm,
            response,
          },
        },
        ({ body }, reply) =>
          answer(service, reply, {
            body: { ...body, prompt: '' },
            shape: { ...variationForm.shape, prompt: undefined },
            event: 'image_edit',
          }),
      )
    })

    const model = {
      id: service.model.name,
      object: 'model' as const,
      created: service.model.created,
      owned_by: 'onestroke',
    }
    app.get(
      '/v1/models',
      {
        schema: {
          operationId: 'listModels',
          summary: 'The one model, in a list, as OpenAI’s API answers.',
          tags: ['OpenAI'],
          response: { 200: modelsAnswer, ...PROBLEMS },
        },
      },
      async () => ({ object: 'list' as const, data: [model] }),
    )
    app.get(
      '/v1/models/:id',
      {
        schema: {
          operationId: 'retrieveModel',
          summary: 'The model, as OpenAI’s API answers.',
          tags: ['OpenAI'],
          params: modelAnswer.pick({ id: true }),
          response: { 200: modelAnswer, ...PROBLEMS },
        },
      },
      async ({ params }, reply) =>
        params.id === model.id
          ? model
          : reply
              .code(404)
              .send(problemBody('not_found', `there is no model ${params.id}; there is ${model.id}`)),
    )
  }

interface Request {
  readonly body: ImagesBody
  /** Fields that are known. */
  readonly shape: object
  /** What the events of a stream are called. */
  readonly event: 'image_generation' | 'image_edit'
}

type Answer = z.infer<typeof imagesAnswer>

const answer = async (service: Service, reply: FastifyReply, request: Request): Promise<Answer> => {
  const { body, shape } = request
  const { model, encoder } = service
  const asked = askedOf(body)
  const wanted = wantedOf(body, asked.n, shapeOf(model.config))
  const signal = signalOf(reply, service)
  const warnings = [...warningsOf(model, asked), ...unknownFields(body, shape)]
  tellWarnings(reply, warnings)
  if (body.stream) return stream(service, reply, { ...request, asked, wanted, warnings, signal })
  const { seeds, painted } = await paint(service, asked, { signal, scale: wanted.scale })
  const texts = await encoder.each(painted, signal, wanted.encoding)
  const data = texts.map((text, i) => {
    const seed = seeds[i]!
    if (body.response_format !== 'url') return { b64_json: text, seed }
    return { url: `data:image/${wanted.encoding.format};base64,${text}`, seed }
  })
  return { created: now(), data, ...described(wanted), ...(warnings.length > 0 && { warnings }) }
}

const now = () => Math.floor(Date.now() / 1000)
const described = ({ size, encoding: { format } }: Wanted) => ({
  background: 'opaque' as const,
  output_format: format,
  size: `${size.width}x${size.height}`,
})
/** Clients expect these fields; this server does not count tokens. */
const NO_USAGE = {
  total_tokens: 0,
  input_tokens: 0,
  output_tokens: 0,
  input_tokens_details: { text_tokens: 0, image_tokens: 0 },
}

interface Streamed extends Request {
  readonly asked: Asked
  readonly wanted: Wanted
  readonly warnings: readonly string[]
  readonly signal: AbortSignal
}

/** Bytes go past the schema, which is for JSON. */
const stream = async (
  service: Service,
  reply: FastifyReply,
  { event, asked, wanted, warnings, signal }: Streamed,
): Promise<never> => {
  const { encoder, options } = service
  const textsOf = (painted: Painted) => encoder.each(painted, signal, wanted.encoding)
  const told = () => ({ created_at: now(), quality: 'auto', ...described(wanted) })
  const onError = (error: Error) => {
    const { type, message } = problemOf(error)
    if (type === FAILURE) options.onFailure?.(error)
    return { ...problemBody(type, message), type: 'error' }
  }
  const events = await eventStream(async (say: (event: ServerEvent & Record<string, unknown>) => void) => {
    let shown = Promise.resolve()
    const onPreview = (painted: Painted, partial_image_index: number) => {
      shown = shown.then(async () => {
        const [b64_json] = await textsOf(painted)
        say({ type: `${event}.partial_image`, partial_image_index, b64_json, ...told() })
      })
      // Thrown below, where it is awaited.
      shown.catch(() => {})
    }
    const { seeds, painted } = await paint(service, asked, {
      signal,
      scale: wanted.scale,
      previews: wanted.partial_images > 0 ? { count: wanted.partial_images, onPreview } : undefined,
    })
    await shown
    for (const [i, b64_json] of (await textsOf(painted)).entries())
      say({
        type: `${event}.completed`,
        b64_json,
        seed: seeds[i]!,
        ...told(),
        usage: NO_USAGE,
        ...(warnings.length > 0 && { warnings }),
      })
  }, onError)
  return reply.header('cache-control', 'no-cache').type('text/event-stream').send(events) as never
}

const askedOf = ({ n, seed, ...body }: ImagesBody): Asked => {
  const { prompt, steps, guidance_scale, negative_prompt, image, mask, strength } = body
  return {
    prompt,
    n: n ?? 1,
    seed: typeof seed === 'number' ? seed : undefined,
    steps,
    guidance_scale,
    negative_prompt,
    image,
    mask,
    strength,
  }
}

/** @throws UserError if the server cannot make pictures of that size or format. */
const wantedOf = (body: ImagesBody, n: number, own: PictureSize): Wanted => {
  const {
    size: asked,
    output_format,
    output_compression,
    background,
    stream,
    partial_images,
    response_format,
  } = body
  const refuse = (message: string) => {
    throw new UserError(message)
  }
  const format = output_format ?? 'png'
  if (background === 'transparent')
    refuse('background: this model paints opaque pictures; send opaque or auto, or leave it out')
  if (format === 'png' && typeof output_compression === 'number' && output_compression !== 100)
    refuse('output_compression is for jpeg and webp; a PNG is without loss: leave it out, or send 100')
  if (!stream && partial_images) refuse('partial_images come with stream: true; send both, or neither')
  if (stream && response_format === 'url') refuse('events carry b64_json; leave response_format out')
  if (partial_images && n > 1)
    refuse('partial_images are for one picture, since events do not say of which they are; send n: 1')
  const size = sizeFrom(asked ?? 'auto', own)
  checkPixels(n, size)
  const { scale, ...exact } = enlargementFor(size, own)
  // OpenAI's default is full quality, which WebP has without loss.
  const full = format === 'webp' ? undefined : 100
  const quality = (output_compression ?? 100) === 100 ? full : output_compression!
  return { size, scale, encoding: { format, quality, ...exact }, partial_images: partial_images ?? 0 }
}

/** @throws UserError if it is no size, or a side of it is too long. */
const sizeFrom = (written: string, { height, width }: PictureSize): PictureSize => {
  if (written === 'auto') return { height, width }
  const size = readSize(written)
  if (!size) throw new UserError(`size must be auto, or WIDTHxHEIGHT, such as 512x512, and not ${written}`)
  if (Math.max(size.width, size.height) > MOST_SIDE)
    throw new UserError(`size: a side has at most ${MOST_SIDE} pixels, and ${written} has more`)
  return size
}
