/** A live socket whose other side does not behave: it is slow, it floods, or it has gone without a word. */
import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { WebSocket } from 'ws'
import { serveLive } from '../../packages/onestroke/src/server/live.js'

/** A socket whose pictures go out when the test says so. */
class Socket extends EventEmitter {
  readonly said: unknown[] = []
  bufferedAmount = 0
  terminated = false
  pings = 0
  out: (() => void)[] = []
  send(data: string | Buffer, sent?: () => void) {
    if (typeof data === 'string') this.said.push(JSON.parse(data))
    else this.said.push(data.toString())
    if (sent) this.out.push(sent)
  }
  ping() {
    this.pings++
  }
  terminate() {
    this.terminated = true
    this.emit('close')
  }
  hear(message: object) {
    this.emit('message', Buffer.from(JSON.stringify(message)))
  }
}

let socket: Socket
const failures: string[] = []
const serve = (
  paint: (prompt: string, signal: AbortSignal) => Promise<string>,
  notesOn: (prompt: string) => readonly string[] = () => [],
) =>
  serveLive(socket as unknown as WebSocket, {
    timeout: 5,
    paint: async ({ prompt }, signal) => ({
      png: Buffer.from(await paint(prompt, signal)),
      warnings: notesOn(prompt),
    }),
    onFailure: ({ message }) => failures.push(message),
  })

beforeEach(() => {
  vi.useFakeTimers()
  socket = new Socket()
  failures.length = 0
})
afterEach(() => {
  vi.useRealTimers()
})

/** Until nothing more happens without the test. */
const settled = () => vi.advanceTimersByTimeAsync(0)

describe('a live socket', () => {
  it('paints the next picture when the last one has gone out', async () => {
    const finished = serve(async (prompt) => `a picture of ${prompt}`)
    socket.hear({ id: 1, prompt: 'owl' })
    await settled()
    for (const id of [2, 3, 4]) socket.hear({ id, prompt: `pizza ${id}` })
    await settled()
    const first = [{ id: 1, seed: 0, milliseconds: expect.any(Number) }, 'a picture of owl']
    const passed = [2, 3].map((id) => ({ id, superseded: true }))
    expect(socket.said).toEqual([...first, ...passed])
    let done = false
    void finished().then(() => {
      done = true
    })
    socket.out.shift()!()
    await settled()
    expect(socket.said.slice(-1)).toEqual(['a picture of pizza 4'])
    expect(done).toBe(false)
    socket.out.shift()!()
    await settled()
    expect(done).toBe(true)
  })

  it('says with a picture what of its words was not understood', async () => {
    const serving = ['the model has not seen "xyzzy"', 'the model has not seen "plugh"']
    serve(
      async () => 'a picture',
      (prompt) => (prompt === 'owl' ? [] : serving),
    )
    for (const [id, prompt] of ['owl', 'xyzzy plugh', 'owl'].entries()) {
      socket.hear({ id, prompt })
      await settled()
      socket.out.shift()!()
      await settled()
    }
    const answer = (id: number) => ({ id, seed: 0, milliseconds: expect.any(Number) })
    expect(socket.said).toEqual([
      answer(0),
      'a picture',
      { ...answer(1), warnings: serving },
      'a picture',
      answer(2),
      'a picture',
    ])
  })

  it('ends where answers pile up unread', async () => {
    serve(async () => 'a picture')
    socket.bufferedAmount = 2 ** 20 + 1
    socket.emit('message', Buffer.from('nonsense'))
    expect(socket.terminated).toBe(true)
  })

  it('ends where nobody answers whether they are there, and not where somebody does', async () => {
    serve(async () => 'a picture')
    for (let i = 1; i <= 3; i++) {
      await vi.advanceTimersByTimeAsync(30_000)
      expect([socket.pings, socket.terminated]).toEqual([i, false])
      socket.emit('pong')
    }
    await vi.advanceTimersByTimeAsync(60_000)
    expect([socket.pings, socket.terminated]).toEqual([4, true])
    await vi.advanceTimersByTimeAsync(90_000)
    expect(socket.pings).toBe(4)
  })

  it('gives a picture up that takes too long, and tells what failed to others than its client', async () => {
    serve(
      (prompt, signal) =>
        new Promise((_, reject) => {
          if (prompt === 'slow') signal.addEventListener('abort', () => reject(signal.reason))
          else reject(new Error('/secret/path is full'))
        }),
    )
    socket.hear({ id: 1, prompt: 'slow' })
    await vi.advanceTimersByTimeAsync(4_900)
    expect(socket.said).toEqual([])
    await vi.advanceTimersByTimeAsync(200)
    expect(socket.said).toEqual([{ id: 1, error: 'the request took too long' }])
    expect(failures).toEqual([])
    socket.hear({ id: 2, prompt: 'failing' })
    await settled()
    expect(socket.said.slice(-1)).toEqual([{ id: 2, error: 'something went wrong' }])
    expect(failures).toEqual(['/secret/path is full'])
  })

  it('stops painting for whoever has gone', async () => {
    let aborted = false
    serve(
      (_, signal) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            aborted = true
            reject(signal.reason)
          }),
        ),
    )
    socket.hear({ id: 1 })
    await settled()
    socket.emit('close')
    await settled()
    expect([aborted, socket.said, failures]).toEqual([true, [], []])
  })
})
