/** From a request to its pictures, for all routes. */

import { isSameSize, type PictureSize, pixelsOf, scaledBy } from '@onestroke/core/picture'
import { type Recipe, samplingOf, shapeOf, strengthOf } from '@onestroke/core/pipeline'
import type { FastifyReply } from 'fastify'
import { sha256Of } from '../model/index.js'
import { VERSION } from '../version.js'
import type { Painted } from './answers.js'
import { deadline } from './deadline.js'
import { orderOf } from './order.js'
import { Busy } from './scheduler.js'
import type { ServedModel, Service } from './service.js'
import type { PaintOrder } from './settings.js'

export type Asked = Parameters<typeof orderOf>[1]

interface PaintOptions {
  readonly signal: AbortSignal
  /** Factor by which the encoder enlarges the pictures. */
  readonly scale: number
  /** States before the last: at most `count`, spread over the steps. */
  readonly previews?: { readonly count: number; onPreview(painted: Painted, index: number): void } | undefined
}

/** @throws Busy also where too many answers wait to be encoded. */
export const paint = async (
  { model, scheduler, encoder, options }: Service,
  body: Asked,
  { signal, scale, previews }: PaintOptions,
): Promise<{ seeds: readonly number[]; painted: Painted }> => {
  const order = await orderOf(model, body)
  if (encoder.waiting >= options.queue) throw new Busy('too many pictures are waiting')
  const paintedFrom = (data: Float32Array): Painted => ({
    data,
    ...shapeOf(model.config),
    count: order.seeds.length,
    scale,
  })
  let step = 0
  const sampling = samplingFor(model, order)
  const shown = previews ? previewSteps(previews.count, sampling.num_inference_steps) : []
  const onPreview = (data: Float32Array) => {
    const index = shown.indexOf(step)
    step++
    if (index >= 0) previews!.onPreview(paintedFrom(data), index)
  }
  const data = await scheduler.paint({ ...order, signal, ...(shown.length > 0 && { onPreview }) })
  const recipe = recipeFor(model, order, sampling, body)
  return { seeds: order.seeds, painted: { ...paintedFrom(data), recipe } }
}

const samplingFor = ({ config }: ServedModel, { settings: { to: _, ...settings }, image }: PaintOrder) =>
  samplingOf(config, { ...settings, image })

/** How pictures were painted, for their PNGs. */
const recipeFor = (
  { name, config }: ServedModel,
  { prompts, seeds, weights, settings: { to, negative_prompt } }: PaintOrder,
  { solver, num_inference_steps, guidance_scale }: ReturnType<typeof samplingOf>,
  { image, mask, strength }: Asked,
): Recipe => ({
  version: VERSION,
  model: name,
  sha256: config.source.sha256,
  prompts,
  seeds,
  solver,
  num_inference_steps,
  guidance_scale,
  negative_prompt,
  to: to && weights && { ...to, weights },
  edit: image && {
    strength: strengthOf({ strength, mask }),
    picture: sent('image', image),
    mask: mask ? sent('mask', mask) : null,
  },
})

/** A picture of a request, which brings no file's name. */
const sent = (field: 'image' | 'mask', bytes: Uint8Array) => ({
  name: `the request's ${field}`,
  sha256: sha256Of(bytes),
})

/** Which steps are shown, from 0, never the last. */
const previewSteps = (most: number, steps: number): number[] => {
  const count = Math.min(most, steps - 1)
  return Array.from({ length: count }, (_, i) => Math.floor(((i + 1) * steps) / (count + 1)) - 1)
}

/** The words of a request's prompts that the model does not know or does not read. */
export const warningsOf = (
  { conditioner }: ServedModel,
  { prompt, negative_prompt = '', to }: Pick<Asked, 'prompt' | 'negative_prompt' | 'to'>,
): string[] => conditioner.warnings([prompt, to?.prompt ?? '', negative_prompt])

/** A warning that names the request's unknown fields that hold a value; none if there are none. */
export const unknownFields = (body: object, known: object): string[] => {
  const says = (value: unknown) =>
    Boolean(value) && (typeof value !== 'object' || Object.keys(value as object).length > 0)
  const unknown = Object.entries(body).flatMap(([name, value]) =>
    name in known || !says(value) ? [] : [name.slice(0, 40)],
  )
  if (unknown.length === 0) return []
  return [`not known here, and not looked at: ${unknown.slice(0, 8).join(', ')}`]
}

/** The header of answers that have warnings: JSON in ASCII, which is all that headers can carry. */
export const tellWarnings = (reply: FastifyReply, warnings: readonly string[]): void => {
  if (warnings.length === 0) return
  const escaped = JSON.stringify(warnings).replace(
    /[^\x20-\x7e]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  reply.header('x-warnings', escaped)
}

/** The status that proxies log if the client has gone. It is never sent. */
const CLIENT_GONE = 499

/** Aborted if the client has gone, which fastify does not tell, or if the request took too long. */
export const signalOf = (reply: FastifyReply, { options, metrics }: Service): AbortSignal => {
  const { signal, abort, met } = deadline(options.timeout)
  const { raw, request } = reply
  raw.once('close', () => {
    met()
    if (!raw.writableEnded) abort()
    if (!raw.writableFinished)
      metrics.onResponse(request.routeOptions.url!, CLIENT_GONE, reply.elapsedTime / 1000)
  })
  return signal
}

/** Pixels of a picture that is enlarged by a whole factor, at most. */
const MOST_ENLARGED = 2 ** 24

/**
 * How pictures of the model's size become those of another one: enlarged by a whole factor so that they cover it, and scaled and
 * cropped to it if that is not the size itself.
 */
export const enlargementFor = (
  wanted: PictureSize,
  own: PictureSize,
): { scale: number; size: PictureSize | undefined } => {
  const covering = Math.max(1, Math.ceil(wanted.width / own.width), Math.ceil(wanted.height / own.height))
  // A long and narrow picture would need one that is far larger to be cut from: there the scaling does the rest.
  const most = Math.max(1, Math.floor(Math.sqrt(MOST_ENLARGED / pixelsOf(own))))
  const scale = Math.min(covering, most)
  return { scale, size: isSameSize(scaledBy(own, scale), wanted) ? undefined : wanted }
}
