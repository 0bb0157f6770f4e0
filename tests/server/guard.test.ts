/** The server on loopback: whom it refuses, and what is too much. */
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createServer } from '../../packages/onestroke/src/server/index.js'
import { type Server, STUDENT, start } from './testing.js'

const server = await start()

/** What the server says on a connection until it closes it. */
const saidTo = (send: (socket: Socket) => void): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(server.port, '127.0.0.1')
    let said = ''
    socket.on('data', (data) => {
      said += data.toString()
    })
    socket.on('close', () => resolve(said))
    send(socket)
  })

describe('who may ask', () => {
  const status = async (one: Server, headers: Record<string, string>, path = '/model') =>
    (await one.app.inject({ url: path, headers: { host: `127.0.0.1:${one.port}`, ...headers } })).statusCode

  it('only by the server’s own name, and no foreign page', async () => {
    expect(await status(server, {})).toBe(200)
    expect(await status(server, { host: 'localhost:1' })).toBe(200)
    expect(await status(server, { host: '[::1]:1' })).toBe(200)
    expect(await status(server, { host: 'evil.example' })).toBe(421)
    expect(await status(server, { host: '127.0.0.1.evil.example' })).toBe(421)
    expect(await status(server, { origin: 'https://evil.example' })).toBe(403)
    expect(await status(server, { origin: `http://127.0.0.1:${server.port}` })).toBe(200)
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/live`, { origin: 'https://evil.example' })
    const [error] = await new Promise<[Error]>((resolve) => socket.once('error', (error) => resolve([error])))
    expect(error.message).toContain('403')
  })

  it('leaves no connection behind where a socket was refused', async () => {
    const said = await saidTo((socket) => {
      const headers = ['Host: localhost', 'Origin: https://evil.example', 'Connection: Upgrade']
      const upgrade = [
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${'A'.repeat(22)}==`,
      ]
      socket.write(['GET /live HTTP/1.1', ...headers, ...upgrade, '', ''].join('\r\n'))
    })
    expect(said).toContain('403')
  })

  it('pages that are named, with what browsers ask before', async () => {
    const open = await start({ cors: ['https://app.example'] })
    const headers = { host: 'localhost', origin: 'https://app.example' }
    const asked = await open.app.inject({ method: 'OPTIONS', url: '/generate', headers })
    expect([asked.statusCode, asked.headers['access-control-allow-origin']]).toEqual([
      204,
      'https://app.example',
    ])
    expect(asked.headers['access-control-expose-headers']).toBe('x-seed, x-to-seed, x-warnings, retry-after')
    expect(await status(open, { origin: 'https://other.example' })).toBe(403)
    for (const origin of ['https://app.example/', 'app.example'])
      await expect(createServer(STUDENT, { cors: [origin] })).rejects.toThrow(
        `no page has the origin ${origin}`,
      )
    const named = await start({ allowedHosts: ['Paint.example:8443'] })
    expect(await status(named, { host: 'paint.example' })).toBe(200)
  })

  it('only with the token, where there is one', async () => {
    const token = 'a-token-of-enough-letters'
    const closed = await start({ token })
    expect(await status(closed, {})).toBe(401)
    expect(await status(closed, { authorization: 'Bearer a-token-of-enough-lettersX' })).toBe(401)
    expect(await status(closed, { authorization: `Bearer ${token}` })).toBe(200)
    expect(await status(closed, {}, '/health')).toBe(200)
    /** Opens a socket the way pages do, whose sockets cannot have headers of their own. */
    const opened = (...protocols: string[]) =>
      new Promise((resolve) => {
        const socket = new WebSocket(`${closed.url.replace('http', 'ws')}/live`, protocols)
        socket.on('open', () => {
          resolve(socket.protocol)
          socket.close()
        })
        socket.on('error', ({ message }) => resolve(message))
      })
    expect(await opened('onestroke', `bearer.${token}`)).toBe('onestroke')
    for (const protocols of [[], ['onestroke'], ['onestroke', `bearer.${token}X`], [`x-bearer.${token}`]])
      expect(await opened(...protocols)).toMatch(/401/)
    await expect(createServer(STUDENT, { host: '0.0.0.0' })).rejects.toThrow(/opens the server to others/)
    await expect(createServer(STUDENT, { token: 'short' })).rejects.toThrow(/can be guessed/)
    await expect(createServer(STUDENT, { token: '' })).rejects.toThrow(/0 characters/)
  })
})

describe('what is too much', () => {
  it('is cut off: requests that do not end', async () => {
    const begin = performance.now()
    const answer = await saidTo((socket) => {
      socket.write('POST /generate HTTP/1.1\r\nHost: localhost\r\n')
      const drip = setInterval(() => socket.write('X-A: b\r\n'), 500)
      socket.on('close', () => clearInterval(drip))
    })
    expect(answer).toContain('408')
    expect(performance.now() - begin).toBeLessThan(15_000)
  })
})
