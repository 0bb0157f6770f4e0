/** The server as OpenAI's own client meets it. */
import OpenAI from 'openai'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { type Server, start } from './testing.js'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })
const ORIGIN = 'http://localhost:5173'
let server: Server
/** Names of the headers that the client sent last. */
let sent: string[] = []
let client: OpenAI
beforeAll(async () => {
  server = await start({ cors: [ORIGIN] })
  client = new OpenAI({
    baseURL: `${server.url}/v1`,
    apiKey: 'any',
    maxRetries: 0,
    fetch: (url, init) => {
      sent = [...new Headers(init?.headers).keys()]
      return fetch(url, init)
    },
  })
})

describe('a page that may ask', () => {
  it('may send the headers that the client sends', async () => {
    await client.images.generate({ prompt: 'owl' })
    expect(sent).toEqual(expect.arrayContaining(['authorization', 'x-stainless-os']))
    const preflight = (origin: string) =>
      fetch(`${server.url}/v1/images/generations`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': sent.join(','),
        },
      })
    const { status, headers } = await preflight(ORIGIN)
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-headers')!.split(',')).toEqual(sent)
    expect((await preflight('https://other.example')).status).toBe(403)
  })
})
