/** The OpenAPI document: what the routes' schemas say, and what schemas of JSON cannot. */
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'

/** Answers that are not JSON: by path and method, what they are, beside or in the place of JSON. */
const MEDIA = [
  { path: '/generate', method: 'post', beside: true, types: ['image/png', 'image/webp'], format: 'binary' },
  {
    path: '/v1/images/generations',
    method: 'post',
    beside: true,
    types: ['text/event-stream'],
    format: undefined,
  },
  { path: '/v1/images/edits', method: 'post', beside: true, types: ['text/event-stream'], format: undefined },
  {
    path: '/v1/images/variations',
    method: 'post',
    beside: true,
    types: ['text/event-stream'],
    format: undefined,
  },
  { path: '/metrics', method: 'get', beside: false, types: ['text/plain'], format: undefined },
] as const

interface Operation {
  readonly responses: Record<string, { content: Record<string, object> }>
}

export const openapi = ({
  version,
  bearer,
}: {
  readonly version: string
  readonly bearer: boolean
}): FastifyDynamicSwaggerOptions => ({
  openapi: {
    info: {
      title: 'onestroke',
      description: 'Pictures in one to four steps.',
      version,
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'Paint', description: 'All that the model can do.' },
      { name: 'OpenAI', description: 'For clients of OpenAI’s images API.' },
      { name: 'AUTOMATIC1111', description: 'For tools that speak to AUTOMATIC1111’s web UI.' },
      { name: 'Server', description: 'How the server is.' },
    ],
    ...(bearer && { components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } } }),
    security: bearer ? [{ token: [] }] : [],
  },
  transform: jsonSchemaTransform,
  transformObject(document) {
    const { openapiObject } = document as {
      openapiObject: { paths: Record<string, Record<string, Operation>> }
    }
    for (const { path, method, beside, types, format } of MEDIA) {
      const answer = openapiObject.paths[path]![method]!.responses[200]!
      const schema = { type: 'string', format }
      answer.content = {
        ...(beside && answer.content),
        ...Object.fromEntries(types.map((type) => [type, { schema }])),
      }
    }
    nullEach(openapiObject.paths)
    return openapiObject as never
  },
})

/** Moves `nullable` of a choice into each of its alternatives: OpenAPI 3.0 has `nullable` only beside a type. */
const nullEach = (schema: unknown): void => {
  if (typeof schema !== 'object' || schema === null) return
  const choice = schema as { nullable?: boolean; anyOf?: object[] }
  if (choice.nullable && choice.anyOf) {
    for (const one of choice.anyOf) Object.assign(one, { nullable: true })
    delete choice.nullable
  }
  for (const inner of Object.values(schema)) nullEach(inner)
}
