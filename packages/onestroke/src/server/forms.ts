/** Forms with pictures, as OpenAI's clients send them: multipart/form-data. */
import multipart from '@fastify/multipart'
import { UserError } from '@onestroke/core/errors'
import type { FastifyRequest } from 'fastify'
import { MOST_PICTURE_BYTES } from './schemas.js'
import type { App } from './service.js'

/** A picture, a mask, and fields. */
const LIMITS = {
  files: 2,
  fileSize: MOST_PICTURE_BYTES,
  fields: 32,
  /** 32,000 characters in UTF-8. */
  fieldSize: 128_000,
  parts: 34,
}

/** Makes all routes of a scope take forms, and nothing else. Bodies have the types that JSON would have. */
export const takeForms = async (scope: App): Promise<void> => {
  scope.removeContentTypeParser('application/json')
  await scope.register(multipart, { limits: LIMITS })
  scope.addHook('preValidation', async (request) => {
    request.body = await fieldsOf(request)
  })
}

/** Fields that are numbers. */
const NUMBERS = new Set([
  'n',
  'output_compression',
  'partial_images',
  'seed',
  'steps',
  'guidance_scale',
  'strength',
])
const SWITCHES: Readonly<Record<string, boolean>> = { true: true, false: false }

const fieldsOf = async (request: FastifyRequest): Promise<Record<string, unknown>> => {
  if (!request.isMultipart()) return {}
  const fields = new Map<string, unknown>()
  try {
    for await (const part of request.parts()) {
      // The client's `image: [file]` is sent as `image[]`.
      const name = part.fieldname.replace(/\[\]$/, '')
      if (fields.has(name)) throw new UserError(`the form has more than one ${name}, and one is taken`)
      if (part.type === 'file') fields.set(name, await part.toBuffer())
      else if (part.valueTruncated) throw new UserError(`the field ${name} is too long`)
      else fields.set(name, typed(name, String(part.value)))
    }
  } catch (error) {
    if (error instanceof UserError || (error as { statusCode?: number }).statusCode !== undefined) throw error
    throw new UserError(`the form cannot be read: ${(error as Error).message}`)
  }
  return Object.fromEntries(fields)
}

const typed = (name: string, text: string): unknown => {
  const number = Number(text)
  // A value that is not a number stays a text, which some fields take.
  if (NUMBERS.has(name) && text.trim() !== '' && !Number.isNaN(number)) return number
  return name === 'stream' ? (SWITCHES[text] ?? text) : text
}
