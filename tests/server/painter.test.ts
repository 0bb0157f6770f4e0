/** The server's painter: what it stops with, and what becomes of it when its thread ends. */
import { afterAll, describe, expect, it, vi } from 'vitest'
import { createServer } from '../../packages/onestroke/src/server/index.js'
import type { PaintOrder } from '../../packages/onestroke/src/server/settings.js'

vi.setConfig({ testTimeout: 120_000 })
const closers: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of closers) await close()
})

describe('what nobody waits for any more', () => {
  it('is not painted to its end', async () => {
    const { app } = await createServer('models/emoji-16-teacher', { timeout: 0.5 })
    closers.push(() => app.close())
    const ask = (body: object) => app.inject({ method: 'POST', url: '/generate', body })
    const begin = performance.now()
    const large = await ask({ n: 64, steps: 128, solver: 'heun' })
    expect([large.statusCode, large.json().error.type]).toEqual([503, 'timeout'])
    // Alone it takes a few milliseconds; behind all that, it would be given up as well.
    await vi.waitFor(async () => expect((await ask({ steps: 1, solver: 'ddim' })).statusCode).toBe(200), {
      timeout: 3000,
    })
    expect(performance.now() - begin).toBeLessThan(5000)
  })
})

describe('a painter that ends', () => {
  it('takes with it what it was painting, and nothing else', async () => {
    const failures: string[] = []
    const { app, service } = await createServer('models/emoji-16-student', {
      onFailure: ({ message }) => failures.push(message),
    })
    closers.push(() => app.close())
    const ask = () => app.inject({ method: 'POST', url: '/generate', body: { prompt: 'owl', seed: 3 } })
    const { rawPayload: before } = await ask()
    const { painter } = service.scheduler
    // Nothing that a client can send: the worker stumbles over it, and ends.
    const broken = painter.paint({} as PaintOrder)
    await expect(broken).rejects.toThrow(/undefined/)
    const again = await ask()
    expect(again.statusCode).toBe(200)
    expect(again.rawPayload).toEqual(before)

    const paint = vi.spyOn(painter, 'paint').mockRejectedValueOnce(new Error('out of memory'))
    const answer = await ask()
    expect(answer.statusCode).toBe(500)
    expect(answer.json().error).toEqual({ type: 'server_error', message: 'something went wrong' })
    expect(failures).toEqual(['out of memory'])
    paint.mockRestore()
    expect((await ask()).statusCode).toBe(200)
  })
})
