/** What the server refuses, and that it says each time what to send. */
import { connect } from 'node:net'
import sharp from 'sharp'
import { describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { clientOf } from '../../packages/onestroke/src/server/connections.js'
import { start } from './testing.js'

const server = await start()

/** All that the server says on a connection, until it closes it. */
const said = (text: string, localAddress = '127.0.0.1') =>
  new Promise<string>((resolve) => {
    const socket = connect({ port: server.port, host: '127.0.0.1', localAddress })
    let all = ''
    socket.on('data', (data) => {
      all += data.toString()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(all))
    socket.write(text)
  })
const problemIn = (text: string) => {
  const [head = '', body = ''] = text.split('\r\n\r\n')
  return [head.split('\r\n')[0], JSON.parse(body).error]
}
/** A picture of so many pixels a side that cannot be made smaller. */
const noise = async (side: number, channels: 3 | 4 = 3) => {
  const bytes = Buffer.alloc(side * side * channels)
  for (let i = 0, x = 1; i < bytes.length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    bytes[i] = x >>> 24
  }
  const png = sharp(bytes, { raw: { width: side, height: side, channels } }).png({ compressionLevel: 1 })
  return (await png.toBuffer()).toString('base64')
}

describe('a picture', () => {
  it('may have the 4 megapixels that are promised, twice, and be a data: address', async () => {
    const image = await noise(2048, 4)
    expect(image.length).toBeGreaterThan(20e6)
    const body = { prompt: 'owl', image: `data:image/png;base64,${image}`, mask: image, strength: 0.5 }
    expect((await server.post('/generate', body)).status).toBe(200)
  })

  it('is the same with and without data: before it, on a socket, too', async () => {
    const image = await noise(64)
    const paint = async (text: string) => {
      const response = await server.post('/generate', { prompt: 'owl', seed: 1, image: text })
      return Buffer.from(await response.arrayBuffer())
    }
    const plain = await paint(image)
    expect(await paint(`data:image/png;base64,${image}`)).toEqual(plain)
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/live`)
    await new Promise((resolve) => socket.once('open', resolve))
    const painted = new Promise((resolve) => {
      socket.on('message', (data, isBinary) => isBinary && resolve(data))
    })
    socket.send(JSON.stringify({ id: 1, prompt: 'owl', seed: 1, image: `data:image/png;base64,${image}` }))
    expect(await painted).toEqual(plain)
    socket.close()
  })

  it('is refused where it is too large, with what to do', async () => {
    const response = await server.post('/generate', { image: 'A'.repeat(48 * 2 ** 20) })
    expect([response.status, (await response.json()).error.message]).toEqual([
      413,
      'the request is too large: at most 46 MiB are taken here; scale pictures down before you send them',
    ])
    const text = await server.post('/v1/images/generations', { prompt: 'x'.repeat(600_000) })
    expect([text.status, (await text.json()).error.message]).toEqual([
      413,
      expect.stringContaining('at most 512 KiB are taken here'),
    ])
  })

  it('is refused while too many large ones are read, and the room is free again afterwards', async () => {
    const head = (length: number) =>
      `POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`
    const large = [46, 46, 46, 46, 46, 24].map((mebibytes) => {
      const socket = connect(server.port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write(head(mebibytes * 2 ** 20))
      return socket
    })
    const ask = async () => (await server.post('/generate', { image: 'A'.repeat(3 * 2 ** 20) })).status
    await vi.waitFor(async () => expect(await ask()).toBe(429), { timeout: 30_000, interval: 100 })
    expect((await server.post('/generate', { prompt: 'owl' })).status).toBe(200)
    for (const socket of large) socket.destroy()
    await vi.waitFor(async () => expect(await ask()).toBe(400), { timeout: 30_000, interval: 100 })
  })
})

const POISONED = 'keys called __proto__, and constructor with prototype in it, are not taken; leave them out'

describe('a request', () => {
  it.each([
    [
      'application/x-www-form-urlencoded',
      '{"prompt":"owl"}',
      415,
      'send JSON, with the header content-type: application/json, and not application/x-www-form-urlencoded',
    ],
    [
      'text/plain',
      '{"prompt":"owl"}',
      415,
      'send JSON, with the header content-type: application/json, and not text/plain',
    ],
    ['application/json', '', 400, 'the body is empty: send JSON, for instance {"prompt":"owl"}'],
    ['', '{"prompt":"owl"}', 415, 'send JSON, with the header content-type: application/json'],
    ['application/json', '{"prompt":', 400, expect.stringMatching(/not valid JSON/)],
    ['application/json', '{"__proto__":{"n":2}}', 400, POISONED],
    ['application/json', '{"to":{"constructor":{"prototype":1}}}', 400, POISONED],
  ])('of %s: %j is answered with what to send', async (type, body, status, message) => {
    const response = await server.post('/generate', body, { headers: { 'content-type': type } })
    expect([response.status, (await response.json()).error]).toEqual([
      status,
      { type: 'invalid_request_error', message },
    ])
  })

  it.each([
    ['GET', '/generate', 'POST'],
    ['DELETE', '/v1/models/any', 'HEAD, GET'],
    ['PUT', '/sdapi/v1/options', 'HEAD, GET, POST'],
    ['POST', '/', 'HEAD, GET'],
  ])('by a wrong method is told the right ones: %s %s', async (method, path, allow) => {
    const response = await fetch(`${server.url}${path}?a=b`, { method })
    expect([response.status, new Set(response.headers.get('allow')!.split(', '))]).toEqual([
      405,
      new Set(allow.split(', ')),
    ])
    const { error } = await response.json()
    expect(error.type).toBe('method_not_allowed')
    expect(error.message).toContain(`and not ${method}`)
  })

  it('of thousands of unknown keys is answered with a few of them', async () => {
    const keys = Array.from({ length: 30_000 }, (_, i) => `key-${i}`)
    const body = Object.fromEntries(keys.map((key) => [key, 1]))
    const text = await (await server.post('/generate', body)).text()
    expect(JSON.parse(text).error.message).toMatch(
      /^unrecognized keys: "key-0", "key-1", .*, and 29,992 more$/,
    )
    expect(text.length).toBeLessThan(400)
    const long = await server.post('/generate', { ['k'.repeat(100_000)]: 1 })
    expect((await long.text()).length).toBeLessThan(200)
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/live`)
    await new Promise((resolve) => socket.once('open', resolve))
    const said = new Promise<string>((resolve) => socket.once('message', (data) => resolve(data.toString())))
    socket.send(JSON.stringify({ id: 1, ...body }))
    expect(JSON.parse(await said).error).toMatch(/^unrecognized keys: "key-0", .*, and 29,992 more$/)
    socket.close()
  })

  it('whose body never comes is told so, before its silence closes the connection', async () => {
    const late = await start()
    const { server: http } = late.app
    const idle = http.timeout
    expect(idle).toBeGreaterThan(http.requestTimeout + 5_000)
    Object.assign(http, { headersTimeout: 500, requestTimeout: 500 })
    const socket = connect(late.port, '127.0.0.1')
    const all = new Promise<string>((resolve) => {
      let text = ''
      socket.on('data', (data) => {
        text += data.toString()
      })
      socket.on('close', () => resolve(text))
    })
    socket.write(
      'POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n',
    )
    expect(problemIn(await all)).toEqual([
      'HTTP/1.1 408 Request Timeout',
      { type: 'invalid_request_error', message: expect.stringContaining('did not end in time') },
    ])
  })

  it('that Node refuses is answered as any other is', async () => {
    expect(problemIn(await said('nonsense\r\n\r\n'))).toEqual([
      'HTTP/1.1 400 Bad Request',
      { type: 'invalid_request_error', message: expect.stringContaining('no HTTP/1.1 request') },
    ])
    const large = `GET /health HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`
    expect(problemIn(await said(large))).toEqual([
      'HTTP/1.1 431 Request Header Fields Too Large',
      { type: 'invalid_request_error', message: expect.stringContaining('16 kB') },
    ])
    expect(problemIn(await said('GET /health HTTP/1.1\r\nConnection: close\r\n\r\n'))).toEqual([
      'HTTP/1.1 421 Misdirected Request',
      { type: 'wrong_host', message: expect.stringContaining('send the header Host') },
    ])
  })
})

describe('connections', () => {
  it('of one address lock nobody else out, and it is told so', async () => {
    const idle = Array.from({ length: 2100 }, () => {
      const socket = connect({ port: server.port, host: '127.0.0.1', localAddress: '127.0.0.2' })
      socket.on('error', () => {})
      return socket
    })
    const refused = idle.map(
      (socket) => new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString()))),
    )
    expect(problemIn(await Promise.race(refused))).toEqual([
      'HTTP/1.1 503 Service Unavailable',
      { type: 'busy', message: expect.stringContaining('your address has 512 connections open') },
    ])
    const answer = await said('GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    expect(answer).toContain('{"status":"ok"}')
    for (const socket of idle) socket.destroy()
    await vi.waitFor(
      async () => {
        const again = await said(
          'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
          '127.0.0.2',
        )
        expect(again).toContain('{"status":"ok"}')
      },
      { timeout: 30_000, interval: 100 },
    )
  })

  it('are counted by client: an address of IPv4, or a network of IPv6', () => {
    expect(clientOf('::ffff:192.0.2.7')).toBe('192.0.2.7')
    expect(clientOf('192.0.2.7')).toBe('192.0.2.7')
    expect(clientOf('2001:db8::1')).toBe(clientOf('2001:db8:0:0:ffff::2'))
    expect(clientOf('2001:db8:0:1::1')).not.toBe(clientOf('2001:db8::1'))
    expect(clientOf('fe80::1%eth0')).toBe(clientOf('fe80::2%eth0'))
    expect(clientOf('::1')).toBe('0:0:0:0')
  })
})
